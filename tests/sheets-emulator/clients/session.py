"""A session as gspread's users have it, and a batch by Google's own client, against a running emulator.

    sheets-emulator --port 18484 --key-file key.json &
    python -m venv venv && venv/bin/pip install gspread google-api-python-client
    venv/bin/python clients/session.py http://127.0.0.1:18484 key.json
"""

import sys

import gspread
import gspread.client
import gspread.http_client
import gspread.urls
from google.oauth2.service_account import Credentials
from googleapiclient.discovery import build

BASE, KEY = sys.argv[1:3]

# gspread has its addresses as constants.
for module in (gspread.urls, gspread.http_client, gspread.client):
    for name, value in vars(module).copy().items():
        if isinstance(value, str) and "googleapis.com" in value:
            for host in ("https://sheets.googleapis.com", "https://www.googleapis.com"):
                value = value.replace(host, BASE)
            setattr(module, name, value)


def same(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def gspread_session():
    google = gspread.service_account(KEY)
    book = google.create("A book")
    sheet = book.sheet1
    sheet.update([["id", "name", "price"], [1, "Ann", 9.5], [2, "Bob", 3], [3, "Cid", 7.25]], "A1")
    same(sheet.get_all_values()[1], ["1", "Ann", "9.5"])
    sheet.append_row([4, "Dan", 1])
    sheet.insert_row([0, "Zed", 2], 2)
    same([record["name"] for record in sheet.get_all_records()], ["Zed", "Ann", "Bob", "Cid", "Dan"])
    sheet.sort((1, "des"), range="A2:C6")
    same(sheet.col_values(1), ["id", "4", "3", "2", "1", "0"])
    sheet.format("A1:C1", {"textFormat": {"bold": True}})
    same((sheet.find("Bob").row, sheet.find("Bob").col), (4, 2))
    sheet.delete_rows(2)
    same(sheet.get("A1:A9"), [["id"], ["3"], ["2"], ["1"], ["0"]])
    sheet.insert_note("B2", "hello")
    same(sheet.get_note("B2"), "hello")
    more = book.add_worksheet("More", 10, 5)
    same([tab.title for tab in book.worksheets()], ["Sheet1", "More"])
    cell = {"userEnteredValue": {"stringValue": "0042"}}
    update = {"start": {"sheetId": more.id}, "rows": [{"values": [cell]}], "fields": "userEnteredValue"}
    book.batch_update({"requests": [{"updateCells": update}]})
    same(more.acell("A1").value, "0042")
    sheet.batch_update([{"range": "E1:F1", "values": [["x", "y"]]}, {"range": "E2", "values": [["=A2+1"]]}], raw=False)
    same(sheet.get("E1:F2"), [["x", "y"], ["4"]])
    same(sheet.acell("E2", value_render_option="FORMULA").value, "=A2+1")
    sheet.freeze(rows=1)
    sheet.resize(20, 8)
    same((sheet.row_count, sheet.col_count, sheet.frozen_row_count), (20, 8, 1))
    sheet.merge_cells("A8:B8")
    sheet.unmerge_cells("A8:B8")
    sheet.set_basic_filter()
    sheet.clear_basic_filter()
    sheet.define_named_range("A1:C3", "Prices")
    same(book.values_get("Prices")["range"], "Sheet1!A1:C3")
    sheet.copy_range("A1:C2", "E5:G6")
    same(sheet.acell("F5").value, "name")
    sheet.duplicate(new_sheet_name="Copy")
    sheet.batch_clear(["E1:F2"])
    same(sheet.row_values(1), ["id", "name", "price"])
    sheet.hide_columns(0, 1)
    sheet.unhide_columns(0, 1)
    sheet.columns_auto_resize(0, 1)
    sheet.insert_cols([["new"]], 1)
    sheet.delete_columns(1)
    sheet.update_title("Renamed")
    same([tab.title for tab in google.open("A book").worksheets()], ["Copy", "Renamed", "More"])
    book.del_worksheet(more)
    try:
        google.open_by_key("nothing")
        raise AssertionError("it opened what is not there")
    except gspread.exceptions.SpreadsheetNotFound:
        pass
    return google, book, sheet


def google_client(book, sheet):
    scopes = ["https://www.googleapis.com/auth/spreadsheets"]
    credentials = Credentials.from_service_account_file(KEY, scopes=scopes)
    service = build("sheets", "v4", credentials=credentials, static_discovery=True, client_options={"api_endpoint": BASE})
    label = {"metadataId": 77, "metadataKey": "k", "metadataValue": "v", "visibility": "DOCUMENT", "location": {"spreadsheet": True}}
    row = {"values": [{"userEnteredValue": {"numberValue": 5}}]}
    body = {
        "requests": [
            {"createDeveloperMetadata": {"developerMetadata": label}},
            {"appendCells": {"sheetId": sheet.id, "fields": "*", "rows": [row]}},
        ],
        "includeSpreadsheetInResponse": True,
        "responseRanges": ["Renamed!A1:B2"],
    }
    fields = "replies,updatedSpreadsheet(developerMetadata.metadataId,sheets.data.rowData.values.userEnteredValue)"
    answer = service.spreadsheets().batchUpdate(spreadsheetId=book.id, body=body, fields=fields).execute()
    same(answer["updatedSpreadsheet"]["developerMetadata"], [{"metadataId": 77}])
    same(answer["updatedSpreadsheet"]["sheets"][0]["data"][0]["rowData"][1]["values"][0], {"userEnteredValue": {"numberValue": 3}})
    values = service.spreadsheets().values().get(spreadsheetId=book.id, range="Renamed!A1:C2").execute()
    same(values["values"], [["id", "name", "price"], ["3", "Cid", "7.25"]])


google, book, sheet = gspread_session()
google_client(book, sheet)
google.del_spreadsheet(book.id)
print("gspread and Google's own client had their sessions")
