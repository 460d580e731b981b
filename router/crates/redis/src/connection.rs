//! A connection to Redis, whatever its form. Knows nothing of failures.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionInfo, IntoConnectionInfo, Pipeline, RedisConnectionInfo, RedisFuture,
    RedisResult, TlsMode, Value,
};

use crate::address::{Address, Nodes, Sentinels};

/// A connection that any number of tasks use at once. A cluster has one to each of its nodes.
#[derive(Clone)]
pub enum Connection {
    /// To one server.
    One(MultiplexedConnection),
    /// To a cluster.
    Cluster(ClusterConnection),
}

/// How long it takes at most to connect to one server. Nobody waits for it: requests do without Redis meanwhile.
const CONNECT: Duration = Duration::from_secs(1);

impl Connection {
    /// Connects. No command may take longer than `longest`.
    pub(crate) async fn open(address: &Address, longest: Duration) -> RedisResult<Self> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(longest));
        match address {
            Address::One(client) => Ok(Self::One(client.get_multiplexed_async_connection_with_config(&config).await?)),
            Address::Sentinel(sentinels) => Ok(Self::One(master(sentinels, &config).await?)),
            Address::Cluster(nodes) => Ok(Self::Cluster(cluster(nodes, longest).await?)),
        }
    }

    /// Whether it is to a cluster, where each command may be for another server.
    pub fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }
}

/// Connects to the server that is the master now.
async fn master(sentinels: &Sentinels, config: &AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
    let Nodes { hosts, username, password, certificates } = sentinels.nodes.clone();
    let mut builder = SentinelClientBuilder::new(hosts, &sentinels.master, SentinelServerType::Master)?
        .set_client_to_redis_db(sentinels.database);
    if let Some(certificates) = certificates {
        builder = builder
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_tls_mode(TlsMode::Secure)
            .set_client_to_sentinel_certificates(certificates);
    }
    if let Some(username) = username {
        builder = builder.set_client_to_redis_username(username);
    }
    if let Some(password) = password {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(username) = &sentinels.sentinel_username {
        builder = builder.set_client_to_sentinel_username(username);
    }
    if let Some(password) = &sentinels.sentinel_password {
        builder = builder.set_client_to_sentinel_password(password);
    }
    builder.build()?.get_async_connection_with_config(config).await
}

async fn cluster(nodes: &Nodes, longest: Duration) -> RedisResult<ClusterConnection> {
    let infos: RedisResult<Vec<ConnectionInfo>> = nodes
        .hosts
        .iter()
        .cloned()
        .map(|host| {
            let mut login = RedisConnectionInfo::default();
            if let Some(username) = &nodes.username {
                login = login.set_username(username);
            }
            if let Some(password) = &nodes.password {
                login = login.set_password(password);
            }
            Ok(host.into_connection_info()?.set_redis_settings(login))
        })
        .collect();
    let mut builder = ClusterClientBuilder::new(infos?)
        .connection_timeout(CONNECT)
        .response_timeout(longest)
        .retries(3)
        .min_retry_wait(1)
        .max_retry_wait(20);
    if let Some(certificates) = &nodes.certificates {
        builder = builder.tls(TlsMode::Secure).certs(certificates.clone());
    }
    builder.build()?.get_async_connection().await
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(connection) => connection.req_packed_commands(cmd, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(cmd, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
