//! Debian's FreeRADIUS in both places: as RD Gateway's NPS before us, and as the NPS behind us.
