//! A breaker as JSON, written down here by the description of the API and by nothing else.

/// In a state, and in the mode `auto`.
pub(crate) fn breaker(name: &str, state: &str) -> String {
    let name = serde_json::to_string(name).expect("a string");
    let retry_after = if state == "open" { "21.4" } else { "null" };
    format!(
        r#"{{"name":{name},"state":"{state}","mode":"auto","generation":7,"since":"2026-11-21T00:41:53.120Z",
        "time_in_state":12.3,"retry_after":{retry_after},"in_flight":null,"reopened":0,
        "window":{{"calls":20,"failures":12,"slow_calls":0,"failure_ratio":0.6,"slow_call_ratio":null,"consecutive_failures":5}},
        "half_open":null,
        "totals":{{"requests":1042,"successes":1001,"failures":29,"ignored":2,"cancelled":0,"late":0,"rejections":10,
            "rejections_by_reason":{{"open":10,"half_open_full":0,"forced_open":0}},
            "requests_by_state":{{"closed":1032,"open":10,"half_open":0}},"slow_calls":0,"fallbacks":10,"trips":2,
            "transitions":{{"closed_to_open":2,"open_to_half_open":1,"half_open_to_open":1,"a_new_one":1}}}},
        "state_seconds":{{"closed":100.1,"open":20.0,"half_open":1.2}},
        "last_transition":{{"from":"closed","to":"open","reason":"failure_threshold","at":"2026-11-21T00:41:53.120Z",
            "message":"circuit 'payments': closed -> open (5 consecutive failures)","by":"alice"}},
        "last_failure":"2026-11-21T00:41:53.000Z","preset":"redis",
        "config":{{"failure_threshold":5,"recovery_timeout":30,"timeout":null,"key_of_a_newer_server":1}},
        "origins":{{"failure_threshold":"code","recovery_timeout":"default","timeout":"default","key_of_a_newer_server":"code"}},
        "location":null,"locations":[{{"module":"shop::pay","function":"charge","file":"src/pay.rs","line":12}}],
        "conflicts":[{{"key":"failure_threshold","kept":"5","kept_at":"src/a.rs:1","ignored":"6","ignored_at":"src/b.rs:2"}}],
        "failure_count":5,"success_count":0,"total_calls":1042,"failure_threshold":5,"recovery_timeout":30,
        "last_failure_time":null,"time_in_current_state":12.3,"recovery_in_seconds":{retry_after},
        "recovery_success_rate":0.5,"field_of_a_newer_server":{{}}}}"#
    )
}

pub(crate) fn health(open: &[&str]) -> String {
    let status = if open.is_empty() { "ok" } else { "degraded" };
    let names = serde_json::to_string(open).expect("strings");
    let count = open.len();
    format!(
        r#"{{"status":"{status}","total":{count},"closed":0,"open":{count},"half_open":0,"open_breakers":{names}}}"#
    )
}

/// A snapshot as an event of the stream.
pub(crate) fn snapshot(id: &str, names: &[&str]) -> String {
    let breakers: Vec<String> = names.iter().map(|name| breaker(name, "open").replace('\n', "")).collect();
    let data = format!(
        r#"{{"circuit_breakers":[{}],"summary":{},"alerts":[],"history":{{"payments":[[1795221713.5,1,2,3]]}}}}"#,
        breakers.join(","),
        health(names)
    );
    format!("id: {id}\nevent: snapshot\ndata: {data}\n\n")
}

/// A transition as an event of the stream.
pub(crate) fn transition(id: &str, name: &str) -> String {
    let name = serde_json::to_string(name).expect("a string");
    format!(
        "id: {id}\nevent: transition\ndata: {{\"breaker\":{name},\"from\":\"closed\",\"to\":\"open\",\
         \"reason\":\"failure_threshold\",\"at\":\"2026-11-21T00:41:53.120Z\",\"message\":\"event {id}\",\"by\":null,\
         \"retry_after\":30,\"generation\":2}}\n\n"
    )
}
