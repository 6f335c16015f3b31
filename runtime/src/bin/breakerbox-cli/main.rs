//! `breakerbox-cli`: looks at the circuit breakers of a running service, and steers them.

#![forbid(unsafe_code)]

mod args;
mod failure;
mod output;
mod show;
mod table;
mod text;
mod watch;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use breakerbox::State;
use breakerbox::admin::listing::harmless;
use breakerbox::admin::{BreakerView, Client};
use clap::Parser;
use clap::error::ErrorKind;

use args::{Args, Command};
use failure::Failure;
use output::Output;

/// What to do about an address that is HTTPS.
const NO_TLS: &str = "this command speaks plain HTTP, no https://: forward a port, such as \
    `ssh -L 8080:127.0.0.1:8080 HOST` or `kubectl port-forward POD 8080`, and give --url http://127.0.0.1:8080";

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // What cannot be printed, such as help into a closed pipe, is nothing to make a noise about.
            let _ = error.print();
            let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(if asked_for { 0 } else { failure::USAGE });
        }
    };
    let output = Output::new(args.json);
    let done = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(args, &output)),
        Err(error) => Err(Failure::Output(error)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

async fn run(args: Args, output: &Output) -> Result<(), Failure> {
    let mut client = Client::builder(&args.url)
        .timeout(args.timeout)
        .user_agent(concat!("breakerbox-cli/", env!("CARGO_PKG_VERSION")));
    if let Some(token) = args.token {
        client = client.token(token.0);
    }
    let client = client.build()?;
    if client.url().starts_with("https:") {
        return Err(Failure::Usage(NO_TLS.to_owned()));
    }
    match args.command {
        Command::List { state } => {
            let breakers = match state {
                Some(state) => client.list_in(state).await?,
                None => client.list().await?,
            };
            if breakers.is_empty() && !args.json {
                let which = state.map(|state| format!(" that is {state}")).unwrap_or_default();
                output::note(&format!("there is no circuit breaker{which}\n"));
                return Ok(());
            }
            output.show(&breakers, || show::list(&breakers, output.width, output.colour))
        }
        Command::Show { name } => {
            let breaker = client.get(&name).await?;
            output.show(&breaker, || show::detail(&breaker, output.colour))
        }
        Command::State { name } => {
            let state = client.state(&name).await?;
            output.show(&state, || state.state.to_string())?;
            bad_news_if(state.state == State::Open)
        }
        Command::Watch { name, interval } => {
            let events = match &name {
                Some(name) => client.events_of(name)?,
                None => client.events(),
            };
            watch::run(events, client.url(), interval, output).await
        }
        Command::Reset { name } => say(&client.reset(&name).await?, output),
        Command::ResetAll { yes } => {
            if !yes && !confirmed(client.url())? {
                return Err(Failure::Cancelled);
            }
            let reset = client.reset_all().await?;
            let plural = if reset == 1 { "" } else { "s" };
            output.show(&serde_json::json!({ "reset": reset }), || format!("{reset} circuit breaker{plural} reset"))
        }
        Command::ForceOpen { name } => say(&client.force_open(&name).await?, output),
        Command::Disable { name } => say(&client.disable(&name).await?, output),
        Command::MetricsOnly { name } => say(&client.metrics_only(&name).await?, output),
        Command::Auto { name } => say(&client.auto(&name).await?, output),
        Command::Config { name, settings } => {
            let keys: Vec<String> = settings.iter().map(|(key, _)| key.clone()).collect();
            if let Some((_, key)) = keys.iter().enumerate().find(|(at, key)| keys[..*at].contains(key)) {
                return Err(Failure::Usage(format!("`{key}` is given twice: give it once")));
            }
            let breaker = client.config(&name, settings).await?;
            output.show(&breaker, || show::settings_of(&breaker, &keys))
        }
        Command::Alerts => {
            let alerts = client.alerts().await?;
            if alerts.is_empty() && !args.json {
                output::note("no alert is active\n");
                return Ok(());
            }
            output.show(&alerts, || show::alerts(&alerts, output.width, output.colour))?;
            bad_news_if(!alerts.is_empty())
        }
        Command::Health => {
            let health = client.health().await?;
            output.show(&health, || show::health(&health, output.colour))?;
            bad_news_if(health.status != "ok")
        }
        Command::Metrics => output.raw(&client.metrics().await?),
    }
}

fn say(breaker: &BreakerView, output: &Output) -> Result<(), Failure> {
    output.show(breaker, || show::sentence(breaker))
}

fn bad_news_if(is_bad: bool) -> Result<(), Failure> {
    if is_bad { Err(Failure::BadNews) } else { Ok(()) }
}

/// Asks whoever sits at the terminal; a script has meant what it says.
fn confirmed(url: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Ok(true);
    }
    output::note(&format!("Reset all circuit breakers of {}? [y/N] ", harmless(url)));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(Failure::Output)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
