//! The service's access to its database: two pools of the same settings, one of which is asked through a breaker.

use std::path::Path;
use std::time::Duration;

use breakerbox::{CircuitBreakerError, circuit_breaker};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

/// Connections of each pool.
pub(crate) const CONNECTIONS: u32 = 5;
/// How long a caller waits for a connection. sqlx's default is 30 s.
pub(crate) const ACQUIRE: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub(crate) enum PartsError {
    #[error("the database")]
    Database(#[from] sqlx::Error),
    #[error("the database was not asked")]
    Refused(#[from] CircuitBreakerError),
}

/// Whether it says that the database is ill. Everything else is an answer, also where the answer is no: a key that is
/// there already and a query with a mistake in it come from a database that works.
pub(crate) fn is_outage(error: &PartsError) -> bool {
    use sqlx::Error;
    match error {
        // A refused one is a timeout of the breaker here: nobody asks about refusals.
        PartsError::Database(
            Error::Io(_) | Error::Tls(_) | Error::Protocol(_) | Error::PoolTimedOut | Error::WorkerCrashed,
        )
        | PartsError::Refused(_) => true,
        PartsError::Database(Error::Database(error)) => error.code().is_some_and(|code| is_outage_code(&code)),
        PartsError::Database(_) => false,
    }
}

/// By the classes of <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn is_outage_code(code: &str) -> bool {
    // Connections, resources (too many connections, disk full), the operator (shutdown, crash, starting up, a query
    // cancelled because it took too long), the system, and PostgreSQL's own errors.
    ["08", "53", "57", "58", "XX"].iter().any(|class| code.starts_with(class))
}

/// The same call with and without a breaker.
#[derive(Clone)]
pub(crate) struct Parts {
    pool: PgPool,
}

impl Parts {
    pub(crate) fn new(socket: &Path) -> Parts {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE);
        Parts { pool: pool.connect_lazy_with(options(socket)) }
    }

    pub(crate) async fn name(&self, id: i32) -> Result<String, PartsError> {
        Ok(sqlx::query_scalar("select name from parts where id = $1").bind(id).fetch_one(&self.pool).await?)
    }

    /// The preset's circuit stays open for a minute; the example has no minute.
    #[circuit_breaker(
        name = "parts",
        preset = postgres_pooled,
        recovery_timeout = "1s",
        failure_if = |result| result.as_ref().is_err_and(is_outage)
    )]
    pub(crate) async fn guarded_name(&self, id: i32) -> Result<String, PartsError> {
        self.name(id).await
    }

    /// One more method of the same breaker, for all that can go wrong.
    #[circuit_breaker(name = "parts", failure_if = |result| result.as_ref().is_err_and(is_outage))]
    pub(crate) async fn guarded_execute(&self, sql: &'static str) -> Result<(), PartsError> {
        // As text, because these are several statements.
        sqlx::raw_sql(sql).execute(&self.pool).await?;
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

pub(crate) fn options(socket: &Path) -> PgConnectOptions {
    PgConnectOptions::new().socket(socket).username("postgres").database("postgres")
}
