//! The admin listener of Fanfare.
