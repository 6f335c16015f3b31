//! A real Postgres in a folder of its own, reached by a socket in that folder only. It is killed and started again on
//! command, and ended with the program.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use tempfile::TempDir;

/// How long a start may take, with the recovery after a crash.
const PATIENCE: Duration = Duration::from_secs(60);

/// Its programs, or `None` if it is not installed. Debian keeps them beside the PATH, a folder a version.
pub(crate) fn programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    let has_all = |folder: &PathBuf| ["initdb", "postgres", "pg_ctl"].iter().all(|name| folder.join(name).is_file());
    folders.into_iter().find(has_all)
}

pub(crate) struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    /// It refuses to run as root, who runs it as this user and group.
    user: Option<(u32, u32)>,
    process: Child,
}

impl Postgres {
    /// Starts a server with a new, empty database.
    pub(crate) fn start(programs: PathBuf) -> Result<Postgres, Box<dyn Error>> {
        let folder = tempfile::Builder::new().prefix("breakerbox-postgres-").tempdir()?;
        let is_root = fs::metadata(folder.path())?.uid() == 0;
        let user = if is_root { Some(unprivileged()?) } else { None };
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let made = command(&programs.join("initdb"), folder.path(), user)
            .args(["--auth=trust", "--username=postgres", "--no-locale", "--encoding=UTF8", "--no-sync", "--pgdata"])
            .arg(data(folder.path()))
            .output()?;
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)).into());
        }
        let process = spawn(&programs, folder.path(), user)?;
        let mut server = Postgres { programs, folder, user, process };
        server.until_ready()?;
        Ok(server)
    }

    /// The folder of its socket.
    pub(crate) fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it at once, as a machine that fails.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }

    /// Starts it again, until it answers.
    pub(crate) fn restart(&mut self) -> Result<(), Box<dyn Error>> {
        self.process = spawn(&self.programs, self.folder.path(), self.user)?;
        self.until_ready()
    }

    /// How many connections it was asked for so far, by its own log.
    pub(crate) fn connections(&self) -> io::Result<usize> {
        Ok(fs::read_to_string(log(self.folder.path()))?.matches("connection received").count())
    }

    fn until_ready(&mut self) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        loop {
            // `pg_ctl status` is about the process; what it wrote into its file is about its readiness.
            let state = fs::read_to_string(data(self.folder.path()).join("postmaster.pid")).unwrap_or_default();
            let is_own = state.lines().next() == Some(&self.process.id().to_string());
            if is_own && state.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("PostgreSQL does not start: {}", self.log()?).into());
            }
            if self.process.try_wait()?.is_some() {
                // What is left of the one that was killed may still hold its memory, for a moment.
                thread::sleep(Duration::from_millis(100));
                self.process = spawn(&self.programs, self.folder.path(), self.user)?;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn log(&self) -> io::Result<String> {
        fs::read_to_string(log(self.folder.path()))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It may be gone already, and this is the end in any case.
        let _ = command(&self.programs.join("pg_ctl"), self.folder.path(), self.user)
            .args(["stop", "--mode=immediate", "--silent", "--pgdata"])
            .arg(data(self.folder.path()))
            .stderr(Stdio::null())
            .status();
        let _ = self.kill();
    }
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn log(folder: &Path) -> PathBuf {
    folder.join("log")
}

fn command(program: &Path, folder: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    // The current one may be closed to that user.
    command.current_dir(folder);
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

fn spawn(programs: &Path, folder: &Path, user: Option<(u32, u32)>) -> io::Result<Child> {
    let log: File = OpenOptions::new().create(true).append(true).open(log(folder))?;
    command(&programs.join("postgres"), folder, user)
        .arg("-D")
        .arg(data(folder))
        .arg("-k")
        .arg(folder)
        // No TCP; few connections, so that there can be too many; a crash of this machine may cost the data.
        .args(["-c", "listen_addresses=", "-c", "max_connections=20", "-c", "fsync=off", "-c", "log_connections=on"])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
}

/// The user and group of Debian's package, or of nobody.
fn unprivileged() -> Result<(u32, u32), Box<dyn Error>> {
    let users = fs::read_to_string("/etc/passwd")?;
    let find = |name: &str| {
        let mut fields = users.lines().map(|line| line.split(':')).find(|line| line.clone().next() == Some(name))?;
        Some((fields.nth(2)?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .ok_or_else(|| "no user `postgres` or `nobody` to run PostgreSQL as".into())
}
