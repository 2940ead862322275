//! sheetbridge keeps tables of a MySQL or MariaDB server and tabs of Google Sheets equal, both ways.
