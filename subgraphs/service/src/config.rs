//! The configuration of a service: the only place that reads flags and environment.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::trace::TraceSettings;

/// What a service is called and where it listens unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceInfo {
    /// The name, also of the subgraph and of the database file.
    pub name: &'static str,
    /// The default port.
    pub port: u16,
    /// One sentence for `--help`.
    pub about: &'static str,
}

/// The settings of a service.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, env = "LISTEN", value_name = "ADDRESS", required = false)]
    pub listen: SocketAddr,
    /// Where the data is.
    #[command(flatten)]
    pub database: DatabaseConfig,
    /// Write sample data to a database that holds nothing else; on by default for SQLite.
    #[arg(long, env = "SAMPLE_DATA", value_name = "BOOL")]
    pub sample_data: Option<bool>,
    /// Who may call.
    #[command(flatten)]
    pub auth: AuthConfig,
    /// What a request may cost.
    #[command(flatten)]
    pub limits: Limits,
    /// URL of the NATS server that carries events between instances; without it, a subscription gets the events of its own instance.
    #[arg(long, env = "EVENTS_URL", value_name = "URL", hide_env_values = true)]
    pub events_url: Option<String>,
    /// The router that keeps what this service gives.
    #[command(flatten)]
    pub cache: CacheConfig,
    /// The form of log lines.
    #[arg(long, env = "LOG", value_enum, default_value_t = LogFormat::Text)]
    pub log: LogFormat,
    /// Whether the service runs its migrations when it starts; if not, `migrate up` must have run before.
    #[arg(long, env = "MIGRATE", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub migrate: bool,
    /// Whether each request is a line in the log.
    #[arg(long, env = "ACCESS_LOG", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub access_log: bool,
    /// Seconds that the service goes on when it is told to stop, while `/health/ready` says that it is stopping: until no more requests are
    /// sent to it.
    #[arg(long, env = "SHUTDOWN_DELAY", value_name = "SECONDS", default_value_t = 0)]
    pub shutdown_delay: u64,
    /// Seconds that requests in flight have to finish when the service stops.
    #[arg(long, env = "SHUTDOWN_SECONDS", value_name = "SECONDS", default_value_t = 10)]
    pub shutdown_seconds: u64,
    /// Where spans go: the standard variables of OpenTelemetry.
    #[arg(skip = traces_of_process())]
    pub traces: TraceSettings,
}

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub struct DatabaseConfig {
    /// `sqlite://path/to/file.db?mode=rwc` or `postgres://user:password@host/database`.
    #[arg(
        id = "database_url",
        long = "database-url",
        env = "DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        required = false
    )]
    pub url: String,
    /// The maximum number of open connections.
    #[arg(id = "database_connections", long = "database-connections", env = "DATABASE_CONNECTIONS", value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: u32,
}

/// Who may call.
#[derive(Debug, Clone, Args)]
pub struct AuthConfig {
    /// URL of the keys that verify bearer tokens.
    #[arg(long, env = "JWKS_URL", value_name = "URL", default_value = "http://127.0.0.1:4001/.well-known/jwks.json")]
    pub jwks_url: String,
    /// The issuer that tokens must name.
    #[arg(long, env = "JWT_ISSUER", value_name = "NAME", default_value = "braid-users")]
    pub jwt_issuer: String,
    /// The audience that tokens must name.
    #[arg(long, env = "JWT_AUDIENCE", value_name = "NAME", default_value = "braid")]
    pub jwt_audience: String,
    /// The secret with which services identify themselves to each other; without it, calls between services are refused. To change it without an
    /// interruption, set both with a comma between them: the first one is sent, all are accepted.
    #[arg(long, env = "INTERNAL_TOKEN", value_name = "SECRET", hide_env_values = true)]
    pub internal_token: Option<String>,
    /// The secret with which the router identifies itself; without it, users are known by their tokens only. It is changed like the one before.
    #[arg(long, env = "ROUTER_TOKEN", value_name = "SECRET", hide_env_values = true)]
    pub router_token: Option<String>,
}

/// The router that keeps what this service gives.
#[derive(Debug, Clone, Default, Args)]
pub struct CacheConfig {
    /// URL at which the router takes invalidations: it is told of changes that it does not see. Without it, it may serve what it has kept.
    #[arg(long, env = "CACHE_INVALIDATION_URL", value_name = "URL")]
    pub invalidation_url: Option<String>,
    /// The secret for it.
    #[arg(long, env = "CACHE_INVALIDATION_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub invalidation_secret: Option<String>,
}

/// What a request may cost.
#[derive(Debug, Clone, Copy, Args)]
pub struct Limits {
    /// How deep a query may nest.
    #[arg(long = "max-depth", env = "MAX_DEPTH", value_name = "LEVELS", default_value_t = 20)]
    pub depth: usize,
    /// How many fields a query may select; a field of a list counts once per item, of `_entities` once per representation.
    #[arg(long = "max-complexity", env = "MAX_COMPLEXITY", value_name = "FIELDS", default_value_t = 20_000)]
    pub complexity: usize,
    /// How many aliases a query may have.
    #[arg(long = "max-aliases", env = "MAX_ALIASES", value_name = "COUNT", default_value_t = 200)]
    pub aliases: usize,
    /// How large a request's body may be.
    #[arg(long = "max-body-bytes", env = "MAX_BODY_BYTES", value_name = "BYTES", default_value_t = 1 << 20)]
    pub body_bytes: usize,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object per line.
    Json,
}

impl Config {
    /// The defaults of a service, without flags and environment: what tests and the launcher start from.
    pub fn new(info: &ServiceInfo) -> Self {
        Self {
            listen: default_listen(info),
            database: DatabaseConfig { url: default_database(info), connections: 10 },
            sample_data: None,
            auth: AuthConfig {
                jwks_url: "http://127.0.0.1:4001/.well-known/jwks.json".to_owned(),
                jwt_issuer: "braid-users".to_owned(),
                jwt_audience: "braid".to_owned(),
                internal_token: None,
                router_token: None,
            },
            limits: Limits::default(),
            events_url: None,
            cache: CacheConfig::default(),
            log: LogFormat::Text,
            migrate: true,
            access_log: false,
            shutdown_delay: 0,
            shutdown_seconds: 10,
            traces: TraceSettings::default(),
        }
    }

    /// Whether a database that holds nothing else gets sample data.
    pub fn wants_sample_data(&self) -> bool {
        self.sample_data.unwrap_or(self.database.is_sqlite())
    }

    /// How long the service goes on when it is told to stop.
    pub(crate) fn shutdown_delay(&self) -> Duration {
        Duration::from_secs(self.shutdown_delay)
    }

    /// How long requests in flight have to finish when the service stops.
    pub fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds)
    }
}

impl AsRef<Config> for Config {
    fn as_ref(&self) -> &Config {
        self
    }
}

impl AuthConfig {
    /// The secret with which this service identifies itself to others, if there is one.
    pub fn token_to_send(&self) -> Option<&str> {
        crate::auth::secrets(self.internal_token.as_deref()).next()
    }
}

impl DatabaseConfig {
    /// Whether the data is in an SQLite file.
    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 20, complexity: 20_000, aliases: 200, body_bytes: 1 << 20 }
    }
}

/// Where this process sends spans, by the standard variables of OpenTelemetry.
pub fn traces_of_process() -> TraceSettings {
    TraceSettings::of(&|name| std::env::var(name).ok())
}

pub(crate) fn default_listen(info: &ServiceInfo) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), info.port)
}

pub(crate) fn default_database(info: &ServiceInfo) -> String {
    format!("sqlite://data/{}.db?mode=rwc", info.name)
}
