//! Which of the two subprotocols a socket speaks. Knows no message.

/// A subprotocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subprotocol {
    /// `graphql-transport-ws`.
    TransportWs,
    /// `graphql-ws`, the older one, which the library subscriptions-transport-ws speaks.
    Legacy,
}

impl Subprotocol {
    /// Both, the better one first: what a client offers.
    pub const ALL: [Self; 2] = [Self::TransportWs, Self::Legacy];

    /// Its name in `Sec-WebSocket-Protocol`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TransportWs => "graphql-transport-ws",
            Self::Legacy => "graphql-ws",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// What a server takes of a client's offer, the value of `Sec-WebSocket-Protocol`: the first that it knows, in the client's order.
    pub fn offered(header: &str) -> Option<Self> {
        header.split(',').find_map(|name| Self::named(name.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_offer_is_taken() {
        assert_eq!(Subprotocol::offered("soap, graphql-ws,graphql-transport-ws"), Some(Subprotocol::Legacy));
        assert_eq!(Subprotocol::offered(" graphql-transport-ws "), Some(Subprotocol::TransportWs));
        assert_eq!(Subprotocol::offered("Graphql-Ws"), None);
        assert_eq!(Subprotocol::offered(""), None);
    }
}
