//! The audit and the warnings as their accessible names tell them.

use std::cell::RefCell;
use std::sync::Arc;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use jiff::tz::TimeZone;

use super::*;
use crate::base::Wall;
use crate::diagnosis::Fix;
use crate::diagnosis::audit::{Finding, Grant, Seen, Surface, Trial};
use crate::engine::audit::{AuditPlan, Audited};
use crate::window::testing::harness;
use crate::window::theme::Look;
use crate::window::vm::sides::sample::checked;

fn plan(goes_on: bool) -> AuditPlan {
    let (url, page) = ("https://api.test/v1/".to_owned(), "https://example.com".to_owned());
    AuditPlan { url, page, requests: 22, rate: 5, hindrance: None, goes_on }
}

fn audited() -> Audited {
    let report = checked("x", Some("https://evil.test")).reports.remove(0);
    let seen = |trial, origin: &str, grant| Seen {
        surface: Surface::Get,
        trial,
        origin: Some(origin.to_owned()),
        grant,
        exchange: crate::wire::Exchange::clone(&report.exchanges[0]),
    };
    let findings = vec![Finding {
        id: "origin-suffix-matched",
        severity: Severity::High,
        surface: Some(Surface::Get),
        trial: Some(Trial::Suffix),
        text: "api.test lets its answers be read by https://notexample.com.".to_owned(),
        evidence: "get: Origin https://notexample.com → 200".to_owned(),
        fixes: vec![Fix::at("nginx", "Compare the whole origin.", "map $http_origin $allowed {}")],
    }];
    let seen = vec![
        seen(Trial::Own, "https://example.com", Grant::ReadsWithCredentials),
        seen(Trial::Suffix, "https://notexample.com", Grant::ReadsWithCredentials),
    ];
    Audited { report, seen, findings }
}

fn vm() -> AuditVm {
    AuditVm::new(Arc::clone(&checked("x", None).profile))
}

/// Draws it, hands the harness to `then`, and gives back the last wish. `Harness::run` panics where the window keeps asking
/// for frames.
fn shown(draw: impl Fn(&mut Ui, &Theme) -> Option<Action>, then: impl FnOnce(&mut Harness<'_>)) -> Option<Action> {
    let (theme, wish) = (Theme::new(Look::Dark), RefCell::new(None));
    let mut harness = harness(1000.0, 700.0, Look::Dark, |ui| {
        if let Some(action) = draw(ui, &theme) {
            *wish.borrow_mut() = Some(action);
        }
    });
    harness.run();
    then(&mut harness);
    drop(harness);
    wish.into_inner()
}

#[test]
fn what_would_be_sent_and_to_whom_stands_before_the_button_that_agrees() {
    let mut vm = vm();
    vm.plan(plan(false));
    let wish = shown(
        |ui, theme| ui_of(ui, &vm, theme),
        |harness| {
            let question = "22 requests from other origins than https://example.com would go to https://api.test/v1/, at most 5 a second";
            harness.get_by_label_contains(question);
            harness.get_by_label("Send 22 requests").click();
            harness.run();
        },
    );
    assert_eq!(wish, Some(Action::AgreeAudit));
}

fn ui_of(ui: &mut Ui, vm: &AuditVm, theme: &Theme) -> Option<Action> {
    super::ui(ui, vm, theme)
}

#[test]
fn what_can_not_be_tried_says_why_and_what_runs_says_how_far_it_is() {
    let mut hindered = vm();
    hindered.plan(AuditPlan { hindrance: Some("nothing listens there.".to_owned()), ..plan(false) });
    shown(
        |ui, theme| ui_of(ui, &hindered, theme),
        |harness| {
            harness.get_by_label("It can't be audited: nothing listens there.");
        },
    );
    let mut running = vm();
    running.plan(plan(true));
    running.sent(7);
    shown(
        |ui, theme| ui_of(ui, &running, theme),
        |harness| {
            harness.get_by_label("7 of 22 requests sent");
        },
    );
    assert_eq!(running.text(), None);
}

#[test]
fn findings_come_with_evidence_and_fixes_and_each_request_opens() {
    let mut vm = vm();
    vm.plan(plan(true));
    vm.end(&audited(), Wall(0), &TimeZone::UTC);
    let wish = shown(
        |ui, theme| ui_of(ui, &vm, theme),
        |harness| {
            harness.get_by_label("1 finding, the gravest of high severity.");
            harness.get_by_label_contains("high: origin-suffix-matched. api.test lets");
            harness.get_by_label("get: Origin https://notexample.com → 200");
            harness
                .get_by_label_contains("https://notexample.com, suffix: may read what the person may, 200 OK")
                .click();
            harness.run();
            harness.get_by_label("Copy as curl");
            harness.get_by_label("Copy fix 1").click();
            harness.run();
        },
    );
    assert_eq!(wish, Some(Action::Copy("map $http_origin $allowed {}".to_owned())));
    let text = vm.text().unwrap();
    assert!(
        text.starts_with("Sales chat: 1 finding") && text.contains("get\tsuffix\thttps://notexample.com"),
        "{text}"
    );
}

#[test]
fn a_warning_of_what_works_is_one_line_until_it_is_opened() {
    let mut over = vm();
    over.end(&audited(), Wall(0), &TimeZone::UTC);
    let Stage::Over(found) = &over.stage else { panic!("{over:?}") };
    shown(
        |ui, theme| warnings(ui, &found.findings, theme),
        |harness| {
            let line = "It works, but: origin-suffix-matched (high)";
            assert!(harness.query_by_label_contains("high: origin-suffix-matched").is_none());
            harness.get_by_label(line).click();
            harness.run();
            harness.get_by_label_contains("high: origin-suffix-matched");
        },
    );
    shown(
        |ui, theme| warnings(ui, &[], theme),
        |harness| {
            assert!(harness.query_by_label_contains("It works, but").is_none());
        },
    );
}
