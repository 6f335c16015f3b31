//! The page as it is served. What it does in a browser has tests of its own.

use std::path::Path;

use crate::support::{Rig, with_token};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_and_all_that_it_names_are_served() {
    let rig = Rig::new(with_token()).await;
    let page = rig.get("/dashboard").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let mut wanted = vec!["dashboard/app.js".to_owned(), "dashboard/style.css".to_owned()];
    for attribute in ["src=\"", "href=\""] {
        wanted.extend(page.text.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
    let mut seen = Vec::new();
    while let Some(path) = wanted.pop() {
        if path.starts_with("data:") || path.starts_with('#') || seen.contains(&path) {
            continue;
        }
        assert!(!path.contains(':') && !path.starts_with('/'), "{path} is not relative");
        let file = rig.get(&format!("/{path}")).await;
        assert_eq!(file.status, 200, "{path}");
        seen.push(path.clone());
        if !path.starts_with("dashboard/") {
            continue; // a link to another route
        }
        let is_script = Path::new(&path).extension().is_some_and(|kind| kind == "js");
        let kind = if is_script { "text/javascript; charset=utf-8" } else { "text/css; charset=utf-8" };
        assert_eq!(file.header("content-type"), kind, "{path}");
        if is_script {
            let imports = file.text.split("from \"./").skip(1);
            wanted.extend(imports.map(|rest| format!("dashboard/{}", rest.split('"').next().unwrap())));
        }
    }
    assert!(seen.len() >= 2, "{seen:?}");
}
