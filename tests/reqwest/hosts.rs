//! Breakers of many hosts: which request asks which, and how little they have to do with each other.

use std::net::SocketAddr;
use std::sync::Arc;

use breakerbox::State;
use breakerbox::reqwest::{CircuitBreakerMiddleware, refusal};
use futures_util::{StreamExt, stream};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

use crate::server::{Reply, Server};
use crate::support::{Breakers, opens_after, plain};

/// Every name is this machine.
struct Here;

impl Resolve for Here {
    fn resolve(&self, _: Name) -> Resolving {
        let here: Addrs = Box::new(std::iter::once(SocketAddr::from(([127, 0, 0, 1], 0))));
        Box::pin(async { Ok(here) })
    }
}

/// Every name is a server of this machine, whatever the port of the address.
struct There(u16);

impl Resolve for There {
    fn resolve(&self, _: Name) -> Resolving {
        let there: Addrs = Box::new(std::iter::once(SocketAddr::from(([127, 0, 0, 1], self.0))));
        Box::pin(async { Ok(there) })
    }
}

fn client_of_names(middleware: CircuitBreakerMiddleware) -> ClientWithMiddleware {
    // One connection a request, or a thousand hosts keep a thousand of them.
    let client = reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(Here)).pool_max_idle_per_host(0);
    ClientBuilder::new(client.build().unwrap()).with(middleware).build()
}

fn is_sick(head: &str) -> bool {
    head.contains("ost: sick")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sick_host_does_not_refuse_a_healthy_one() {
    let server = Server::start().await;
    server.script(|_, head| Reply::status(if is_sick(head) { 503 } else { 200 }));
    let breakers = Breakers::new(opens_after(3));
    let client = client_of_names(breakers.middleware());
    let mut refused = 0;
    for _ in 0..30 {
        let healthy = client.get(format!("http://healthy.example:{}/", server.port())).send().await.unwrap();
        assert_eq!(healthy.status(), 200);
        let sick = client.get(format!("http://sick.example:{}/", server.port())).send().await;
        refused += usize::from(sick.is_err_and(|error| refusal(&error).is_some()));
    }
    assert_eq!((refused, server.requests()), (27, 33));
    let names: Vec<String> = breakers.registry.all().iter().map(|breaker| breaker.name().to_owned()).collect();
    let port = server.port();
    assert_eq!(names, [format!("http[healthy.example:{port}]"), format!("http[sick.example:{port}]")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ports_of_one_host_are_two_hosts() {
    let (sick, healthy) = (Server::start().await, Server::start().await);
    sick.always(Reply::status(500));
    let breakers = Breakers::new(opens_after(1));
    for _ in 0..3 {
        let _ = breakers.client().get(sick.url()).send().await;
        breakers.client().get(healthy.url()).send().await.unwrap();
    }
    assert_eq!((sick.requests(), healthy.requests()), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn http_and_https_of_one_name_are_two_hosts_and_its_spellings_one() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(1));
    let client = reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(There(server.port()))).build().unwrap();
    let client = ClientBuilder::new(client).with(breakers.middleware()).build();
    breakers.family.get("api.example").force_open();
    for url in ["http://api.example/", "http://API.example:80/", "http://api.example./"] {
        client.get(url).send().await.unwrap().text().await.unwrap();
    }
    assert_eq!(breakers.status("api.example:80").totals.successes, 3);
    for url in ["https://api.example/", "https://API.example.:443/"] {
        assert!(refusal(&client.get(url).send().await.unwrap_err()).is_some());
    }
    assert_eq!((breakers.family.len(), server.requests()), (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_hosts_of_which_every_tenth_is_sick() {
    const HOSTS: usize = 2000;
    let server = Server::start().await;
    server.script(|_, head| Reply::status(if is_sick(head) { 500 } else { 200 }));
    let breakers = Breakers::new(opens_after(2).max_keys(HOSTS as u32));
    let client = client_of_names(breakers.middleware());
    let name =
        |n: usize| format!("{}{n}.example:{}", if n.is_multiple_of(10) { "sick" } else { "well" }, server.port());
    let calls = (0..4 * HOSTS).map(|n| client.get(format!("http://{}/", name(n % HOSTS))).send());
    let answers: Vec<_> = stream::iter(calls).buffered(16).collect().await;
    let refused =
        answers.iter().filter_map(|answer| answer.as_ref().err()).filter(|error| refusal(error).is_some()).count();
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), refused, "nothing but refusals is an error");
    // Each sick host is asked twice, and refused twice.
    assert_eq!((refused, server.requests()), (2 * HOSTS / 10, 4 * HOSTS - 2 * HOSTS / 10));
    assert_eq!(breakers.family.len(), HOSTS);
    assert_eq!(breakers.registry.open().len(), HOSTS / 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_hosts_than_places_are_answered_all_and_what_is_open_stays() {
    let server = Server::start().await;
    server.script(|_, head| Reply::status(if is_sick(head) { 500 } else { 200 }));
    let breakers = Breakers::new(opens_after(1).max_keys(50));
    let client = client_of_names(breakers.middleware());
    let url = |name: &str| format!("http://{name}.example:{}/", server.port());
    client.get(url("sick")).send().await.unwrap();
    for n in 0..300 {
        assert_eq!(client.get(url(&format!("well{n}"))).send().await.unwrap().status(), 200);
    }
    assert!(breakers.family.len() <= 50, "{}", breakers.family.len());
    assert!(refusal(&client.get(url("sick")).send().await.unwrap_err()).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_breaker_for_all_or_one_for_each_key_of_the_users() {
    let (sick, healthy) = (Server::start().await, Server::start().await);
    sick.always(Reply::status(500));
    let breakers = Breakers::new(opens_after(1));
    let all = breakers.registry.get_or_insert("all", opens_after(1)).unwrap();
    let client = ClientBuilder::new(plain()).with(CircuitBreakerMiddleware::named(all.clone())).build();
    client.get(sick.url()).send().await.unwrap();
    assert_eq!(all.state(), State::Open);
    assert!(client.get(healthy.url()).send().await.is_err());
    assert_eq!(healthy.requests(), 0);

    let by_tenant = breakers.middleware().keyed_by(|request| {
        let tenant = request.headers().get("x-tenant").and_then(|tenant| tenant.to_str().ok());
        tenant.unwrap_or("-").to_owned()
    });
    let client = ClientBuilder::new(plain()).with(by_tenant).build();
    let sent = |server: &Server, tenant: &str| client.get(server.url()).header("x-tenant", tenant).send();
    sent(&sick, "acme").await.unwrap();
    assert!(sent(&healthy, "acme").await.is_err());
    sent(&healthy, "globex").await.unwrap();
    assert_eq!(breakers.registry.open()[1].name(), "http[acme]");
}
