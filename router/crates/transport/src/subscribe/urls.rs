//! Where a subgraph takes subscriptions. Knows no connection.

/// Whether a URL is that of a WebSocket.
pub(crate) fn is_websocket(url: &str) -> bool {
    url.starts_with("ws://") || url.starts_with("wss://")
}

/// The URLs for subscriptions at a subgraph with these URLs: `own`, if it is a URL, or else its path at theirs. Those of WebSockets are
/// written as `http://` and `https://`, since that is how their connections begin.
pub(crate) fn for_subscriptions(urls: &[String], own: Option<&str>) -> Vec<String> {
    match own {
        None => urls.iter().map(|url| as_http(url)).collect(),
        Some(path) if path.starts_with('/') => urls.iter().map(|url| at_path(&as_http(url), path)).collect(),
        Some(url) => vec![as_http(url)],
    }
}

fn as_http(url: &str) -> String {
    match url.split_once("://") {
        Some(("ws", rest)) => format!("http://{rest}"),
        Some(("wss", rest)) => format!("https://{rest}"),
        _ => url.to_owned(),
    }
}

fn at_path(url: &str, path: &str) -> String {
    if url.starts_with("unix://") {
        let socket = url.split('?').next().unwrap_or_default();
        return format!("{socket}?path={path}");
    }
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    let end = url[host..].find(['/', '?']).map_or(url.len(), |end| host + end);
    format!("{}{path}", &url[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_replaces_the_one_of_each_url() {
        let urls = ["http://a:1/graphql?x=1", "https://b", "unix:///a.sock?path=/graphql", "wss://c/"];
        let urls = urls.map(str::to_owned);
        let all = |own| for_subscriptions(&urls, own);
        assert_eq!(all(None)[2..], ["unix:///a.sock?path=/graphql", "https://c/"]);
        assert_eq!(all(Some("/ws")), ["http://a:1/ws", "https://b/ws", "unix:///a.sock?path=/ws", "https://c/ws"]);
        assert_eq!(all(Some("ws://d/ws")), ["http://d/ws"]);
    }
}
