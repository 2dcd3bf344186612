//! Where in the world an address is, as far as somebody knows.

use std::net::IpAddr;

use crate::policy::Country;

/// Where an address is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The country.
    pub country: Option<Country>,
    /// The town, in English.
    pub town: Option<String>,
}

impl Place {
    /// As people see it: `Oslo, NO`; `None` where nothing is known.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        let country = self.country.map(|country| country.to_string());
        let parts: Vec<String> = self.town.iter().cloned().chain(country).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// Who knows where addresses are.
pub trait Atlas: Send + Sync {
    /// Where `address` is, where that is known.
    fn find(&self, address: IpAddr) -> Option<Place>;
}

/// Nobody knows where addresses are.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAtlas;

impl Atlas for NoAtlas {
    fn find(&self, _: IpAddr) -> Option<Place> {
        None
    }
}
