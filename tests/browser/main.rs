//! The dashboard in a real browser: Debian's chromium, driven through its chromedriver, against a real
//! admin server.
//!
//! Without the two programs the tests say so and are skipped; where the variable
//! `BREAKERBOX_REQUIRE_BROWSER` is set, they fail. The pictures of the README are made again, from the
//! example `dashboard`, by
//!
//! ```text
//! cargo test -p breakerbox-tests --features admin --test browser -- --ignored screenshots
//! ```
//!
//! and are a third as large where `pngquant` is installed.

#![forbid(unsafe_code)]

mod access;
#[path = "../observe/broken.rs"]
mod broken;
mod browser;
mod driver;
#[path = "../observe/fleet.rs"]
mod fleet;
mod hostile;
mod keyboard;
mod layout;
mod live;
mod outage;
mod screenshots;
mod site;
mod smooth;
mod steer;
mod store;

use std::env;
use std::future::Future;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use fantoccini::Client;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::runtime::Runtime;

use browser::Browser;
use driver::Driver;

/// What all tests share. The first of them makes it.
struct Lab {
    runtime: Runtime,
    driver: Driver,
    client: Client,
}

impl Lab {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let driver = Driver::start();
        let client = runtime.block_on(driver.open());
        Lab { runtime, driver, client }
    }

    fn end(self) {
        if let Err(error) = self.runtime.block_on(self.client.close()) {
            eprintln!("the browser cannot be ended: {error}");
        }
        drop(self.driver);
    }
}

type Shared = Arc<OnceLock<Lab>>;

/// A test, which is skipped or fails where there is no browser. No test may leave a complaint in the browser's log;
/// until that is read, the servers live that the test gives back.
fn trial<F: Future + 'static>(lab: &Shared, name: &str, test: fn(Browser) -> F) -> Trial {
    let lab = Arc::clone(lab);
    Trial::ignorable_test(name, move || {
        let missing = driver::missing();
        if !missing.is_empty() {
            let reason = format!("there is no {} in PATH: the dashboard is NOT TESTED", missing.join(" and no "));
            let required = env::var_os("BREAKERBOX_REQUIRE_BROWSER").is_some_and(|value| !value.is_empty());
            return if required { Err(Failed::from(reason)) } else { Ok(Completion::ignored_with(reason)) };
        }
        let lab = lab.get_or_init(Lab::new);
        lab.runtime.block_on(async {
            let browser = Browser::fresh(lab.client.clone()).await;
            let servers = test(browser.clone()).await;
            browser.check_log().await;
            drop(servers);
        });
        Ok(Completion::Completed)
    })
}

macro_rules! trials {
    ($lab:expr; $($test:path,)*) => { vec![$(trial($lab, stringify!($test), $test)),*] };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One browser, and figures that no other test disturbs.
    arguments.test_threads = Some(1);
    let lab = Shared::default();
    let mut trials = trials![&lab;
        live::a_breaker_that_opens_and_closes_is_shown_within_two_seconds_without_reload,
        live::the_countdown_to_the_next_trial_runs,
        live::breakers_come_and_go,
        live::two_tabs_show_the_same,
        live::a_tab_of_the_browser_tells_how_many_are_open,
        smooth::a_hundred_breakers_that_change_every_second_stay_smooth,
        steer::reset_by_click_closes_a_breaker_and_the_log_names_who,
        steer::nothing_happens_without_the_confirmation,
        steer::modes_are_set_by_click,
        steer::all_are_reset_by_click,
        steer::a_setting_is_changed_by_the_form,
        steer::a_bad_setting_is_told_at_its_field,
        access::a_wrong_token_is_told,
        access::a_missing_token_is_told,
        access::a_server_without_a_token_says_how_to_set_one,
        access::protected_reads_are_locked_until_the_token_is_saved,
        hostile::a_name_full_of_html_is_text_everywhere,
        hostile::a_message_full_of_html_is_text,
        hostile::a_violation_of_the_policy_would_be_seen,
        outage::without_the_stream_the_page_polls,
        outage::it_reconnects_when_the_server_comes_back,
        store::a_store_that_fails_is_told_at_the_top_until_it_works,
        store::the_drawer_tells_how_a_state_is_kept,
        store::a_problem_full_of_html_is_text,
        store::a_store_that_fails_for_long_is_an_alert_of_no_breaker,
        store::what_the_fleet_told_is_shown_with_its_epoch_and_votes,
        keyboard::the_page_is_used_without_a_mouse,
        keyboard::the_focus_stays_in_the_drawer,
        layout::a_narrow_window_has_no_horizontal_scroll,
        layout::it_works_under_a_prefix,
        layout::the_header_names_the_service,
        layout::names_and_states_are_filtered_and_sorted,
        layout::dark_and_light_follow_the_system,
    ];
    let pictures = trials![&lab; screenshots::screenshots,];
    trials.extend(pictures.into_iter().map(|trial| trial.with_ignored_flag(true)));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(lab) = Arc::into_inner(lab).and_then(OnceLock::into_inner) {
        lab.end();
    }
    conclusion.exit_code()
}
