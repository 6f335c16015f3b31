//! A service whose backends go down, with its dashboard, metrics, alerts and admin API on one port.
//!
//! Six functions, behind breakers that an attribute made, call five real servers, which break and come
//! back by a script. Open the address that is printed; paste the token that is printed beside it to reset, force
//! open or change settings. Break a backend yourself:
//!
//! ```text
//! cargo run --example dashboard --features admin
//! curl -X POST http://127.0.0.1:8080/backends/stock/refuses
//! curl -X POST http://127.0.0.1:8080/backends/stock/works
//! ```
//!
//! | option | default | |
//! |---|---|---|
//! | `--port N` | 8080 | 0 for a free one |
//! | `--seconds N` | until it is stopped | how long it runs |
//! | `--calm` | | nothing breaks unless you break it |

mod args;
mod backends;
mod clients;
#[path = "../support/server.rs"]
mod server;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Redirect;
use axum::routing::{get, post};
use breakerbox::admin::{self, AdminConfig};
use breakerbox::observe::{self, Prometheus};
use tokio::net::TcpListener;
use tokio::time;

use args::Args;
use backends::Backends;
use clients::Clients;

/// The variable that states the token.
const TOKEN: &str = "CIRCUIT_BREAKER_ADMIN_TOKEN";

#[tokio::main]
async fn main() -> ExitCode {
    let result = match args::read() {
        Ok(Some(args)) => run(args).await,
        Ok(None) => {
            println!("{}", args::USAGE);
            Ok(())
        }
        Err(error) => Err(error.into()),
    };
    if let Err(error) = result {
        eprintln!("dashboard: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
        .with_writer(io::stderr)
        .init();
    let registry = breakerbox::registry();
    observe::trace(registry).keep();

    let backends = Backends::start().await?;
    let clients = Clients::new(&backends)?;
    clients.call_all_the_time();
    if !args.is_calm {
        backends.break_by_turns();
    }

    let stated = std::env::var(TOKEN).ok().filter(|token| !token.trim().is_empty());
    // One of the machine is a secret; one that is made here has to be told.
    let (token, shown) = match stated {
        Some(token) => (token, format!("from {TOKEN}")),
        None => {
            let token: String = std::iter::repeat_with(fastrand::alphanumeric).take(16).collect();
            (token.clone(), token)
        }
    };
    let metrics = Prometheus::builder(registry).durations(&Prometheus::BUCKETS).build()?;
    let config = AdminConfig::new().service("shop").token_for("operator", &token).metrics(metrics);
    let app = Router::new()
        .route("/", get(|| async { Redirect::temporary("dashboard") }))
        .route("/backends", get(list))
        .route("/backends/{name}/{behaviour}", post(behave))
        .with_state(Arc::clone(&backends))
        .merge(admin::router(registry, config));

    let listener = TcpListener::bind(("127.0.0.1", args.port)).await.map_err(|error| {
        format!(
            "port {} cannot be listened on ({error}); take another with --port, or a free one with --port 0",
            args.port
        )
    })?;
    let address = listener.local_addr()?;
    let names = backends::NAMES.join(", ");
    // Not `println!`, which panics when nobody reads.
    let _ = write!(
        io::stdout(),
        "dashboard    http://{address}/dashboard\n\
         token        {shown}\n\
         metrics      http://{address}/metrics\n\
         alerts       http://{address}/alerts\n\
         break one    curl -X POST http://{address}/backends/stock/refuses\n             \
         (works, refuses, unavailable, hangs, flaky, slow; backends: {names})\n"
    );

    // The listener's peers, so that the log says where an order came from.
    let app = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
    let served = axum::serve(listener, app);
    match args.seconds {
        // A page that is open streams for ever, so nothing waits for its connection to end.
        Some(seconds) => match time::timeout(Duration::from_secs(seconds), served.into_future()).await {
            Ok(ended) => ended?,
            Err(_) => clients.report(),
        },
        None => served.await?,
    }
    Ok(())
}

async fn list(State(backends): State<Arc<Backends>>) -> String {
    backends.to_string()
}

async fn behave(
    State(backends): State<Arc<Backends>>,
    Path((name, behaviour)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<String, (StatusCode, String)> {
    if !is_from_here(&headers) {
        return Err((
            StatusCode::FORBIDDEN,
            "only who is on this machine breaks backends, no page of another site\n".into(),
        ));
    }
    let refused = |error: String| (StatusCode::NOT_FOUND, format!("{error}\n"));
    let behaviour = backends::behaviour(&behaviour).map_err(refused)?;
    backends.behave(&name, behaviour).await.map_err(refused)?;
    Ok(format!("{name} {}\n", backends::word(behaviour)))
}

/// Whether a request is meant for this machine, and comes from no page of another site.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(host) = text(header::HOST) else { return false };
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    let is_here = matches!(name, "127.0.0.1" | "localhost") && port.parse::<u16>().is_ok();
    is_here && text(header::ORIGIN).is_none_or(|origin| origin.strip_prefix("http://") == Some(host))
}
