//! What the dashboard is told on its command line.

pub(crate) const USAGE: &str = "\
usage: dashboard [options]
  --port N       where it listens, 0 for a free port (default 8080)
  --seconds N    how long it runs, 1 to 1,000,000 (default: until it is stopped)
  --calm         nothing breaks unless you break it
  --help         this text";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Args {
    pub(crate) port: u16,
    pub(crate) seconds: Option<u64>,
    pub(crate) is_calm: bool,
}

/// The options, or `None` if help is asked for.
pub(crate) fn read() -> Result<Option<Args>, String> {
    let mut args = Args { port: 8080, seconds: None, is_calm: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a number; --help tells the options"));
        match word.as_str() {
            "--port" => {
                let port = value()?;
                args.port = port.parse().map_err(|_| format!("--port {port}: it must be a number from 0 to 65535"))?;
            }
            "--seconds" => {
                let text = value()?;
                let seconds = text.parse().ok().filter(|seconds| (1..=1_000_000).contains(seconds));
                args.seconds = Some(seconds.ok_or_else(|| format!("--seconds {text}: it must be from 1 to 1000000"))?);
            }
            "--calm" => args.is_calm = true,
            "--help" | "-h" => return Ok(None),
            _ => return Err(format!("there is no option {word}; --help tells the options")),
        }
    }
    Ok(Some(args))
}
