//! A real cluster of three servers.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use breakerbox::shared::{Beat, Nudge, SharedStore, Verdict};
use breakerbox::{RedisStore, State};

use crate::server::{PATIENCE, Server, free_port, patient};
use crate::support::{LONG, beat, granted, half_open, propose, report, sync, trip, try_sync, until};

struct Cluster {
    servers: Vec<Server>,
}

/// A server of a cluster, and the port on which it talks to the others.
fn one() -> Option<(Server, String)> {
    let bus = free_port().to_string();
    Server::start_with(&["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "3000"])
        .map(|server| (server, bus))
}

impl Cluster {
    fn start() -> Option<Self> {
        let servers: Vec<(Server, String)> = (0..3).map(|_| one()).collect::<Option<_>>()?;
        for (number, (server, _)) in servers.iter().enumerate() {
            let (first, last) = (number * 5462, (number * 5462 + 5461).min(16383));
            server.tell::<()>(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            server.tell::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
        }
        let is_whole = |(server, _): &(Server, String)| {
            let info: String = server.tell(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        let (met, bus) = &servers[0];
        let mut asked = None;
        until("the cluster is whole", || {
            // On a busy machine they give up on each other.
            if asked.is_none_or(|asked: Instant| asked.elapsed() > Duration::from_secs(4)) {
                asked = Some(Instant::now());
                for (server, _) in &servers[1..] {
                    server.tell::<()>(&["CLUSTER", "MEET", "127.0.0.1", &met.port.to_string(), bus]);
                }
            }
            servers.iter().all(is_whole)
        });
        Some(Cluster { servers: servers.into_iter().map(|(server, _)| server).collect() })
    }

    /// A store that was told of one of the servers.
    fn store(&self, of: usize) -> RedisStore {
        patient(RedisStore::cluster([self.servers[of].url()]).expect("the URL is good"))
    }

    fn id(&self, of: usize) -> String {
        self.servers[of].tell(&["CLUSTER", "MYID"])
    }

    fn slot(&self, breaker: &str) -> u16 {
        self.servers[0].tell(&["CLUSTER", "KEYSLOT", &format!("cb1:{{default:{breaker}}}:s")])
    }
}

/// Which server keeps a slot at first.
fn keeper(slot: u16) -> usize {
    usize::from(slot / 5462)
}

fn many() -> Vec<Beat> {
    (0..300).map(|number| beat(&format!("b{number}"))).collect()
}

#[test]
fn breakers_of_all_servers_are_read_together() {
    let Some(cluster) = Cluster::start() else { return };
    let (mut store, mut other) = (cluster.store(0), cluster.store(2));
    store.sync("i", &many()).expect("it answers");
    for number in 0..30 {
        let name = format!("b{number}");
        let wait = LONG + Duration::from_secs(1000 * number);
        assert_eq!(propose(&mut store, "i", &name, 0, &trip(wait, 1)).verdict, Verdict::Applied);
    }
    let views = other.sync("other", &many()).expect("it answers");
    for (number, view) in views.into_iter().enumerate() {
        let view = view.expect("it can be used");
        let expected = if number < 30 { State::Open } else { State::Closed };
        assert_eq!((view.state, view.needed), (expected, 1), "b{number}: {view:?}");
        assert!(number >= 30 || view.left.as_secs() / 1000 == number as u64, "b{number}: {view:?}");
    }
    let sizes: Vec<i64> = cluster.servers.iter().map(|server| server.tell(&["DBSIZE"])).collect();
    assert!(sizes.iter().all(|size| *size > 100), "{sizes:?}");
    let tried = half_open(&mut store, "i", "{x}{y}", 3);
    let closed = propose(&mut other, "i", "{x}{y}", tried.view.epoch, &report(granted(&tried), 3, 0, 3));
    assert_eq!(closed.view.state, State::Closed);
    // The plain keys lie where they lie.
    let plain = |name: &str| -> String {
        let key = format!("circuit_breaker:{name}:state");
        let slot: u16 = cluster.servers[0].tell(&["CLUSTER", "KEYSLOT", &key]);
        cluster.servers[keeper(slot)].tell(&["GET", &key])
    };
    assert_eq!((plain("b1"), plain("b31"), plain("{x}{y}")), ("open".into(), "closed".into(), "closed".into()));
    for server in &cluster.servers {
        server.tell::<()>(&["SCRIPT", "FLUSH"]);
    }
    assert_eq!(store.sync("i", &many()).expect("it answers").len(), 300);
    store.leave("i", &["b1".into()]);
}

#[test]
fn a_change_is_heard_over_any_server() {
    let Some(cluster) = Cluster::start() else { return };
    let mut stores: Vec<RedisStore> = (0..3).map(|of| cluster.store(of)).collect();
    let heard: Vec<_> = stores
        .iter_mut()
        .map(|store| {
            let (sender, heard) = channel();
            let sender = std::sync::Mutex::new(sender);
            store.listen(Nudge::new(move |name| {
                let _ = sender.lock().expect("nobody panics").send(name.map(str::to_owned));
            }));
            heard
        })
        .collect();
    for heard in &heard {
        assert_eq!(heard.recv_timeout(PATIENCE), Ok(None));
    }
    let all_hear = |name: &str, within| {
        propose(&mut cluster.store(0), "other", name, 0, &trip(LONG, 1));
        heard.iter().all(|heard| heard.recv_timeout(within) == Ok(Some(name.into())))
    };
    // Servers that have only just met pass nothing on yet.
    let begun = (0..60).any(|number| all_hear(&format!("first{number}"), Duration::from_millis(500)));
    assert!(begun, "the servers tell each other nothing");
    for heard in &heard {
        while heard.try_recv().is_ok() {}
    }
    for name in ["b1", "b2", "b3", "b4"] {
        assert!(all_hear(name, PATIENCE), "{name}");
    }
}

#[test]
fn a_slot_that_moves_is_followed() {
    let Some(cluster) = Cluster::start() else { return };
    let mut store = cluster.store(0);
    let open = propose(&mut store, "i", "moving", 0, &trip(LONG, 1)).view;
    sync(&mut store, "i", "moving");
    let slot = cluster.slot("moving");
    let from = keeper(slot);
    let to = (from + 1) % 3;
    let ids = [cluster.id(from), cluster.id(to)];
    let (slot, port) = (slot.to_string(), cluster.servers[to].port.to_string());
    cluster.servers[to].tell::<()>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &ids[0]]);
    cluster.servers[from].tell::<()>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &ids[1]]);
    let keys: Vec<String> = cluster.servers[from].tell(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]);
    let mut keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    assert!(keys.len() > 1, "{keys:?}");
    let migrate = |keys: &[&str]| {
        let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        words.extend(keys);
        cluster.servers[from].tell::<()>(&words);
    };
    // In between, no server has all keys that a script names.
    migrate(&keys.split_off(1));
    let error = try_sync(&mut store, "i", "moving").expect_err("it is in two places").to_string();
    assert!(error.contains("TRYAGAIN") && error.contains("handing over"), "{error}");
    migrate(&keys);
    let error = try_sync(&mut store, "i", "moving").expect_err("it is in two places").to_string();
    assert!(error.contains("handing over"), "{error}");
    for server in [to, from, 3 - from - to] {
        cluster.servers[server].tell::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &ids[1]]);
    }
    // By one who knew the old place, and by one who asks now.
    assert_eq!(sync(&mut store, "i", "moving").epoch, open.epoch);
    assert_eq!(store.sync("i", &[beat("moving"), beat("b1"), beat("b2"), beat("b3")]).expect("it answers").len(), 4);
    assert_eq!(sync(&mut cluster.store(0), "i", "moving").epoch, open.epoch);
    assert_eq!(sync(&mut cluster.store(to), "i", "moving").epoch, open.epoch);
}

#[test]
fn a_server_of_the_cluster_that_dies_is_an_error_until_it_is_back() {
    let Some(mut cluster) = Cluster::start() else { return };
    let urls = cluster.servers.iter().map(Server::url);
    let mut store = patient(RedisStore::cluster(urls).expect("the URLs are good"));
    store.sync("i", &many()).expect("it answers");
    cluster.servers[1].kill();
    for _ in 0..5 {
        store.sync("i", &many()).expect_err("a part of it is dead");
    }
    cluster.servers[1].start_again(&[]);
    until("it answers", || store.sync("i", &many()).is_ok());
    // However many of those that were named are gone, all are asked in turn.
    let away = (0..5).map(|_| format!("redis://127.0.0.1:{}", free_port()));
    let mut late = patient(RedisStore::cluster(away.chain([cluster.servers[2].url()])).expect("the URLs are good"));
    until("it answers", || late.sync("i", &many()).is_ok());
    // One that knows of a dead server asks the others.
    cluster.servers[0].stop();
    let dead = cluster.servers[0].url();
    let urls = [dead.clone(), dead, cluster.servers[2].url()];
    let short = Duration::from_millis(300);
    let store = RedisStore::cluster(urls).expect("the URLs are good");
    let mut store = store.connect_timeout(short).response_timeout(short);
    let kept_by_another = (0..100).map(|number| format!("b{number}")).find(|name| cluster_keeper(&cluster, name) == 2);
    let name = kept_by_another.expect("there is one");
    let error = try_sync(&mut store, "i", &name).map(|_| ()).map_err(|error| error.to_string());
    cluster.servers[0].go_on();
    // The plain key may lie on the dead one, which is no error.
    assert_eq!(error, Ok(()));
}

fn cluster_keeper(cluster: &Cluster, breaker: &str) -> usize {
    let slot: u16 = cluster.servers[2].tell(&["CLUSTER", "KEYSLOT", &format!("cb1:{{default:{breaker}}}:s")]);
    keeper(slot)
}

#[test]
fn a_replica_that_takes_over_is_found() {
    let (Some(mut cluster), Some((replica, bus))) = (Cluster::start(), one()) else { return };
    let name = (0..1000).map(|number| format!("b{number}")).find(|name| cluster_keeper(&cluster, name) == 0);
    let name = name.expect("there is one");
    let mut store = cluster.store(1);
    let open = propose(&mut store, "i", &name, 0, &trip(LONG, 1)).view;
    cluster.servers[0].tell::<()>(&["CLUSTER", "MEET", "127.0.0.1", &replica.port.to_string(), &bus]);
    let id = cluster.id(0);
    let follow = || redis::cmd("CLUSTER").arg("REPLICATE").arg(&id).exec(&mut replica.connection()).is_ok();
    until("it knows the others", follow);
    until("it follows", || replica.tell::<String>(&["INFO", "replication"]).contains("master_link_status:up"));
    cluster.servers[0].kill();
    assert!(try_sync(&mut store, "i", &name).is_err());
    until("the replica has taken over", || try_sync(&mut store, "i", &name).is_ok());
    let view = sync(&mut store, "i", &name);
    assert_eq!((view.epoch, view.state), (open.epoch, State::Open));
}

#[test]
fn a_part_of_a_cluster_named_as_one_server_says_what_to_use() {
    let Some(cluster) = Cluster::start() else { return };
    let mut store = cluster.servers[0].store();
    let error = store.sync("i", &many()).expect_err("most are elsewhere").to_string();
    assert!(error.contains("use RedisStore::cluster"), "{error}");
    // And one server that is none.
    let Some(single) = Server::start() else { return };
    let mut store = patient(RedisStore::cluster([single.url()]).expect("the URL is good"));
    let error = try_sync(&mut store, "i", "b").expect_err("it is no cluster").to_string();
    assert!(error.contains("cluster"), "{error}");
    assert!(RedisStore::cluster([format!("{}/1", single.url())]).is_err());
    assert!(RedisStore::cluster(Vec::<String>::new()).is_err());
}
