//! The local Google Sheets.
