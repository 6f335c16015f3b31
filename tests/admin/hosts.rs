//! Pages of other sites, and requests that no client would send.

use axum::body::Body;
use axum::http::{Request, Version};
use breakerbox::Registry;
use breakerbox::admin::{self, AdminConfig};
use reqwest::Method;
use tower::ServiceExt;

use crate::support::{Rig, TOKEN, raw, status, with_token};

fn get(host: &str) -> String {
    format!("GET /circuit-breakers HTTP/1.1\r\n{host}Connection: close\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_names_of_this_server_are_answered_to() {
    let rig =
        Rig::new(with_token().allow_host("admin.example.com").allow_host("10.0.0.7:80").allow_host("fd00::7")).await;
    let known = [
        "localhost",
        "localhost:9000",
        "LOCALHOST",
        "127.0.0.1:1",
        "[::1]",
        "[::1]:80",
        "localhost.",
        "admin.example.com",
        "Admin.Example.Com:8443",
        "10.0.0.7:9000",
        "[fd00::7]:9000",
    ];
    for host in known {
        assert_eq!(status(&raw(rig.address, get(&format!("Host: {host}\r\n"))).await), 200, "{host}");
    }
    let others = [
        "evil.example",
        "evil.example:80",
        "localhost.evil.example",
        "admin.example.com.evil.example",
        "127.0.0.1.nip.io",
        "127.0.0.2",
        "0.0.0.0",
        "[::2]",
        "sub.admin.example.com",
        "[::ffff:127.0.0.1]",
    ];
    for host in others {
        let answer = raw(rig.address, get(&format!("Host: {host}\r\n"))).await;
        assert_eq!(status(&answer), 421, "{host}");
        assert!(answer.contains("application/problem+json") && !answer.contains("circuit_breakers"), "{answer}");
    }
    for host in [
        "",
        "Host: \r\n",
        "Host: a b\r\n",
        "Host: localhost\r\nHost: localhost\r\n",
        "Host: x@localhost\r\n",
        "Host: local\u{fc}host\r\n",
        "Host: localhost/x\r\n",
        "Host: [::1\r\n",
        "Host: [::1].evil\r\n",
        "Host: [::1].evil:80\r\n",
        "Host: [::1]80\r\n",
        "Host: [::1]:80.evil\r\n",
        "Host: localhost:http\r\n",
    ] {
        assert_eq!(status(&raw(rig.address, get(host)).await), 400, "{host:?}");
    }
    // The target may name a host too.
    for (target, expected) in [
        ("http://localhost/health", 200),
        ("http://evil.example/health", 421),
        ("http://[::1].evil/health", 400),
        ("http://x@localhost/health", 400),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&raw(rig.address, request).await), expected, "{target}");
    }
}

#[tokio::test]
async fn http_2_names_the_server_in_the_target() {
    let router = admin::router(&Registry::new(), with_token());
    let hosts: [(&str, &[&str], u16); 8] = [
        ("https://localhost/health", &[], 200),
        ("https://[::1]:8443/health", &[], 200),
        ("https://evil.example/health", &[], 421),
        ("https://localhost/health", &["localhost"], 200),
        ("https://localhost/health", &["evil.example"], 421),
        ("https://evil.example/health", &["localhost"], 421),
        ("https://localhost/health", &["localhost", "localhost"], 400),
        ("/health", &[], 400),
    ];
    for (target, stated, expected) in hosts {
        let request = Request::get(target).version(Version::HTTP_2);
        let request = stated.iter().fold(request, |request, host| request.header("host", *host));
        let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), expected, "{target} {stated:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_what_would_help() {
    let rig = Rig::new(AdminConfig::new().protect_reads()).await;
    let read = rig.get("/circuit-breakers").await.problem(403);
    assert!(read.contains("`AdminConfig::token`") && !read.contains("allow"), "{read}");
    let write = rig.send(rig.request(Method::POST, "/circuit-breakers/reset-all")).await.problem(403);
    assert!(write.contains("`AdminConfig::token`") && write.contains("allow_unauthenticated_writes"), "{write}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_and_the_metrics_are_behind_the_same_guard() {
    let rig = Rig::new(with_token()).await;
    for path in ["/dashboard", "/metrics", "/health", "/openapi.json", "/circuit-breakers/events", "/no/such/route"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&raw(rig.address, request).await), 421, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_name_can_be_allowed() {
    let rig = Rig::new(with_token().allow_any_host()).await;
    assert_eq!(status(&raw(rig.address, get("Host: pod-7.cluster\r\n")).await), 200);
    assert_eq!(status(&raw(rig.address, get("")).await), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_cannot_write() {
    let rig = Rig::new(AdminConfig::new().allow_unauthenticated_writes()).await;
    let breaker = rig.open("payments");
    let own = format!("http://{}", rig.address);
    let forged: [&[(&str, &str)]; 6] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://localhost:1")],
        &[("origin", own.as_str()), ("sec-fetch-site", "cross-site")],
    ];
    for headers in forged {
        for (method, path) in
            [("POST", "/circuit-breakers/payments/reset"), ("PUT", "/circuit-breakers/payments/config")]
        {
            let request = rig.request(method.parse().unwrap(), path);
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let detail = rig.send(request).await.problem(403);
            assert!(detail.contains("page of another site"), "{detail}");
        }
    }
    assert!(breaker.is_open());
    let genuine: [&[(&str, &str)]; 4] =
        [&[], &[("sec-fetch-site", "same-origin")], &[("sec-fetch-site", "none")], &[("origin", own.as_str())]];
    for headers in genuine {
        let request = rig.request(Method::POST, "/circuit-breakers/payments/reset");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        rig.send(request).await.ok();
    }
    // Other pages may not read either: nothing says that they may.
    let request = rig.request(Method::GET, "/circuit-breakers").header("origin", "http://evil.example");
    let answer = rig.send(request).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_response_has_the_headers_that_protect() {
    let rig = Rig::new(with_token()).await;
    for path in ["/dashboard", "/circuit-breakers", "/circuit-breakers/nobody", "/nowhere", "/health?strict=x"] {
        let answer = rig.get(path).await;
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "style-src 'self'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_cannot_be_read_are_refused() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("quotes");
    for path in ["%", "%2", "%zz", "quotes%", "%ff", "%C3", "%ED%A0%80", "quotes/state%"] {
        let request = format!("GET /circuit-breakers/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = raw(rig.address, request).await;
        assert_eq!(status(&answer), 400, "{path}");
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
    for path in [
        "/circuit-breakers/",
        "//circuit-breakers",
        "/circuit-breakers/a/b/c",
        "/circuit-breakers/quotes/",
        "/",
        "/CIRCUIT-BREAKERS",
        "/circuit-breakers/quotes/unknown",
        "/dashboard/../health",
        "/dashboard/%2e%2e",
        "/dashboard/nothing.js",
        "/circuit-breakers/%00",
        "/circuit-breakers/%0D%0ASet-Cookie:%20x",
        "/circuit-breakers/%E2%80%AE",
        "/api/v1",
        "*",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = raw(rig.address, request).await;
        assert_eq!(status(&answer), 404, "{path}: {answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        assert!(!body.contains('\r') && !body.contains('\0') && !body.contains('\u{202e}'), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_request_do_no_harm() {
    let rig = Rig::new(with_token()).await;
    rig.breaker("quotes");
    let long = format!("GET /circuit-breakers/{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(1_000));
    let smuggled = "POST /circuit-breakers/reset-all HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\
                    Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n";
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"\r\n\r\n\r\n\r\n\0\0\0\0\r\n\r\n".to_vec(),
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        long.into_bytes(),
        many.into_bytes(),
        smuggled.as_bytes().to_vec(),
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
    ] {
        let answer = raw(rig.address, bytes.clone()).await;
        // Another crate of the program may have switched HTTP/2 on for the server that the router is in: it says hello.
        let refused = answer.is_empty() || answer.starts_with('\0') || status(&answer) >= 400;
        assert!(refused, "{:?}: {answer}", String::from_utf8_lossy(&bytes));
    }
    rig.get("/circuit-breakers/quotes").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn options_tell_the_methods() {
    let rig = Rig::new(with_token()).await;
    for (path, allowed) in [
        ("/circuit-breakers", "GET,HEAD"),
        ("/circuit-breakers/x/reset", "POST"),
        ("/circuit-breakers/x/config", "PUT"),
    ] {
        let answer = rig.send(rig.request(Method::OPTIONS, path)).await;
        assert_eq!((answer.status, answer.header("allow")), (204, allowed), "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), "");
    }
    rig.send(rig.request(Method::OPTIONS, "/nowhere")).await.problem(404);
    let wrong = rig.send(rig.request(Method::DELETE, "/circuit-breakers/x").bearer_auth(TOKEN)).await;
    wrong.problem(405);
    assert_eq!(wrong.header("allow"), "GET,HEAD");
    rig.send(rig.request(Method::GET, "/circuit-breakers/reset-all")).await.problem(405);
}
