//! Where the stream stands.
