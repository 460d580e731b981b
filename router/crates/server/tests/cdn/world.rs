//! A router whose subgraph says how long its answers may be kept, and CDNs in front of it.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use braid_authentication::Authenticator;
use braid_cache_store::config::StoreConfig;
use braid_cache_store::{Store, now};
use braid_composition::{SubgraphSdl, compose};
use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_gateway::answers::{AnswersConfig, AnswersSetup, SurrogateKeysConfig};
use braid_gateway::{Gateway, GatewayConfig};
use braid_rate_limit::LimitsByGraph;
use braid_request_context::headers::SubgraphHeaders;
use braid_request_context::{Cacheability, SubgraphContext};
use braid_server::config::ServerConfig;
use braid_server::{Front, Observers, Version};
use braid_supergraph::Supergraph;
use braid_telemetry::config::TelemetryConfig;
use bytes::Bytes;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SDL: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated"])
    type Query {
        public: String stable: String large: String translated: String
        private: String uncached: String broken: String secret: String @authenticated
    }
    type Mutation { pay: String }
"#;

const SECRET: &str = "a secret of at least thirty-two bytes";

/// The credentials of somebody.
pub fn credentials() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({ "sub": "ada", "exp": since + 1000 });
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    format!("Bearer {}", jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap())
}

#[derive(Debug)]
struct Shop {
    asked: AtomicUsize,
    lasts: Mutex<Duration>,
    is_old: Mutex<Duration>,
}

impl SubgraphService for Shop {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let asked = String::from_utf8(request.body.to_vec()).unwrap();
        let language = context.headers(request.subgraph).and_then(|headers| headers.get("accept-language"));
        let language = language.map_or("", |value| value.to_str().unwrap());
        let mut data = json!({ "stable": "the same", "large": "large ".repeat(1000), "broken": null });
        for field in ["public", "a", "private", "uncached", "secret", "pay", "translated"] {
            data[field] = format!("{field} of {number} {language}").into();
        }
        let mut body = json!({ "data": data });
        if asked.contains("broken") {
            body["errors"] = json!([{ "message": format!("no {number}") }]);
        }
        let (lasts, age) = (*self.lasts.lock().unwrap(), *self.is_old.lock().unwrap());
        let since = now() - age.as_millis() as u64;
        let tag = if asked.contains("public") { "tag of public" } else { "other" };
        let mut meta = SubgraphHeaders::default();
        meta.cacheability = (!asked.contains("uncached")).then(|| {
            Arc::new(Cacheability {
                since,
                fresh_until: since + lasts.as_millis() as u64,
                is_private: asked.contains("private"),
                tags: [Arc::from(tag)].into(),
                depends_on: None,
            })
        });
        Ok(SubgraphResponse::new(200, Bytes::from(body.to_string()), meta))
    }
}

pub struct World {
    pub address: SocketAddr,
    shop: Arc<Shop>,
    front: Arc<Front<Arc<Shop>>>,
}

impl World {
    pub async fn start() -> Self {
        let (lasts, is_old) = (Mutex::new(Duration::from_secs(60)), Mutex::default());
        let shop = Arc::new(Shop { asked: AtomicUsize::new(0), lasts, is_old });
        let front = Arc::new(Front::new(version(&shop, false), Observers::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(braid_server::serve(listener, front.clone(), std::future::pending()));
        Self { address, shop, front }
    }

    pub fn asked(&self) -> usize {
        self.shop.asked.load(Ordering::Relaxed)
    }

    pub fn lasts(&self, time: Duration) {
        *self.shop.lasts.lock().unwrap() = time + Duration::from_millis(900);
    }

    pub fn is_old(&self, age: Duration) {
        *self.shop.is_old.lock().unwrap() = age;
    }

    /// Lets one request pass, or all.
    pub fn limit(&self, is_on: bool) {
        self.front.swap(version(&self.shop, is_on));
    }

    /// How many requests the router answered with a status of this class.
    pub fn count(&self, class: &str) -> f64 {
        let text = self.front.metrics().encode();
        let name = format!("braid_http_server_requests_total{{status=\"{class}\"}}");
        let line = text.lines().find(|line| line.starts_with(&name)).unwrap_or_else(|| panic!("{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

fn version(shop: &Arc<Shop>, is_limited: bool) -> Version<Arc<Shop>> {
    let sdl = SubgraphSdl { name: "shop".into(), sdl: SDL.into(), ..SubgraphSdl::default() };
    let composed = compose(&[sdl]).result.expect("the subgraph composes");
    let supergraph = Arc::new(Supergraph::read(&composed.supergraph_sdl).unwrap());
    let metrics = Arc::default();
    let store = Store::new(&StoreConfig::default(), &metrics, None).unwrap();
    let keys = SurrogateKeysConfig { header: "xkey".to_owned(), ..SurrogateKeysConfig::default() };
    let answers = AnswersConfig { surrogate_keys: Some(keys), ..AnswersConfig::default() };
    let config = GatewayConfig {
        headers: serde_json::from_value(
            json!({ "all": { "request": [{ "propagate": { "name": "accept-language" } }] } }),
        )
        .unwrap(),
        answers: Some(AnswersSetup { config: answers, vary: vec!["accept-language".to_owned()], store }),
        ..GatewayConfig::default()
    };
    let gateway = Gateway::new(supergraph, shop.clone(), &config, &metrics).unwrap();
    let version = Version::new(gateway, ServerConfig::default(), TelemetryConfig::default()).unwrap();
    let provider = json!({
        "name": "shop", "any_issuer": true, "any_audience": true, "keys": { "secret": SECRET }, "algorithms": ["HS256"],
    });
    let authentication = serde_json::from_value(json!({ "jwt": { "providers": [provider] } })).unwrap();
    let version = version.with_authenticator(Authenticator::new(&authentication, None).unwrap());
    if !is_limited {
        return version;
    }
    let limits = json!({ "rules": [{ "name": "none", "by": [], "limit": 1, "per": "1h", "burst": 1 }] });
    let limits = LimitsByGraph::new(&serde_json::from_value(limits).unwrap(), [], &metrics, None).unwrap();
    version.with_rate_limits(limits)
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A CDN that runs until it is dropped.
pub struct Cdn {
    pub name: &'static str,
    address: SocketAddr,
    process: Option<Child>,
    folder: PathBuf,
}

impl Drop for Cdn {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // Both end their own children on SIGTERM.
            let _ = Command::new("kill").arg(process.id().to_string()).status();
            let _ = process.wait();
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

impl Cdn {
    /// The router itself.
    pub fn none(address: SocketAddr) -> Self {
        Self { name: "none", address, process: None, folder: PathBuf::new() }
    }

    pub async fn get(&self, query: &str, headers: &[(&str, &str)]) -> Answer {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!("GET /graphql?{query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        self.send(&request).await
    }

    pub async fn post(&self, query: &str) -> Answer {
        let body = json!({ "query": query }).to_string();
        let length = body.len();
        let head = "POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json";
        self.send(&format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}")).await
    }

    pub async fn purge(&self, tag: &str) -> Answer {
        self.send(&format!("PURGE / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntag: {tag}\r\n\r\n")).await
    }

    async fn send(&self, request: &str) -> Answer {
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut received = Vec::new();
            stream.read_to_end(&mut received).await.unwrap();
            received
        };
        let received = tokio::time::timeout(Duration::from_secs(10), exchange).await.expect("an answer in time");
        let text = String::from_utf8_lossy(&received);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text}\n{}", self.log()));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub async fn ready(&self) {
        for _ in 0..400 {
            if TcpStream::connect(self.address).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} does not start: {}", self.name, self.log());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn start(
        name: &'static str,
        program: &str,
        files: impl FnOnce(&str, u16) -> (String, Vec<String>),
    ) -> Option<Self> {
        let is_there = Command::new(program).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
        if !is_there {
            assert!(std::env::var("CDN").as_deref() != Ok("required"), "{program} is not installed");
            eprintln!("skipped: {program} is not installed");
            return None;
        }
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("braid-cdn-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // The port is free, and hardly taken before the CDN has it.
        let address = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (config, arguments) = files(folder.to_str().unwrap(), address.port());
        std::fs::write(folder.join("config"), config).unwrap();
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Some(Self { name, address, process: Some(process), folder })
    }
}

/// nginx, which keeps all that it is allowed to, whoever asks.
pub fn nginx(router: SocketAddr) -> Option<Cdn> {
    Cdn::start("nginx", "/usr/sbin/nginx", |folder, port| {
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {folder}/{kind}; "))
            .collect();
        // As root, it would give its files to another user.
        let user = if is_root() { "user root;" } else { "" };
        let config = format!(
            "{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log;
            events {{ worker_connections 64; }}
            http {{
                access_log off; {temporary}
                proxy_cache_path {folder}/cache keys_zone=answers:1m;
                server {{
                    listen 127.0.0.1:{port};
                    location / {{
                        proxy_pass http://{router};
                        proxy_http_version 1.1;
                        proxy_set_header Connection '';
                        proxy_cache answers;
                        proxy_cache_key $request_uri;
                        proxy_cache_revalidate on;
                    }}
                }}
            }}"
        );
        (config, ["-c", &format!("{folder}/config"), "-e", &format!("{folder}/log")].map(str::to_owned).to_vec())
    })
}

/// Varnish, which keeps all that it is allowed to, whoever asks, but nothing beyond its time.
pub fn varnish(router: SocketAddr) -> Option<Cdn> {
    Cdn::start("varnish", "/usr/sbin/varnishd", |folder, port| {
        let (host, router_port) = (router.ip(), router.port());
        let config = format!(
            "vcl 4.1;
            import xkey;
            backend default {{ .host = \"{host}\"; .port = \"{router_port}\"; }}
            sub vcl_recv {{
                if (req.method == \"PURGE\") {{
                    set req.http.gone = xkey.purge(req.http.tag);
                    return (synth(200, \"Purged\"));
                }}
                if (req.method == \"GET\") {{ return (hash); }}
            }}
            sub vcl_backend_response {{ set beresp.grace = 0s; set beresp.keep = 60s; }}"
        );
        let arguments = ["-F", "-n", &format!("{folder}/varnish"), "-a", &format!("127.0.0.1:{port}")];
        let further = ["-f", &format!("{folder}/config"), "-s", "malloc,16m", "-j", "none"];
        (config, arguments.iter().chain(&further).map(|argument| (*argument).to_owned()).collect())
    })
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}
