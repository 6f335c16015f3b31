//! Programs that may be missing.

use std::io::Write;
use std::process::{Command, Stdio};

/// Whether a program is there. Says so aloud if it is not, or fails where it has to be there.
pub(crate) fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return true;
    }
    let missing = format!("{program} is missing (Debian has it in the package prometheus)");
    assert!(std::env::var_os("BREAKERBOX_REQUIRE_TOOLS").is_none(), "{missing}, and has to be there");
    // Not `eprintln!`, which is not seen when a test passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {missing}");
    false
}

/// Runs a program on this input and returns what it says, if it is content.
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it was there a moment ago");
    // It may end before it has read everything.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it has ended");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(said) } else { Err(said) }
}
