//! An audit in place of plots and tabs: the question first, then how far it is, then the findings and each request.

use egui::{Align, CollapsingHeader, Color32, Frame, Label, Layout, RichText, Ui, WidgetInfo};

use super::last_check::exchange_ui;
use crate::watch::Severity;
use crate::window::action::Action;
use crate::window::style;
use crate::window::theme::{RADIUS, Theme, space};
use crate::window::vm::audit::{AuditVm, FindingVm, Found, Stage, TrialVm, question};
use crate::window::vm::why::FixVm;

/// Draws it, as high as it is.
pub fn ui(ui: &mut Ui, vm: &AuditVm, theme: &Theme) -> Option<Action> {
    match &vm.stage {
        Stage::Looking => {
            ui.label(RichText::new("Making the page's own check…").color(theme.secondary));
            None
        }
        Stage::Asking(plan) => {
            ui.add(Label::new(question(plan)).wrap().selectable(true));
            ui.add_space(space::XS);
            let name = format!("Send {} requests", plan.requests);
            ui.button(RichText::new(name).font(style::strong())).clicked().then_some(Action::AgreeAudit)
        }
        Stage::Sending { sent, of } => {
            let words = format!("{sent} of {of} requests sent");
            let bar = egui::ProgressBar::new(*sent as f32 / (*of).max(1) as f32).text(&words);
            let shown = ui.add(bar.desired_height(20.0).fill(theme.accent));
            shown.widget_info(|| WidgetInfo::labeled(egui::Role::ProgressIndicator, true, &words));
            None
        }
        Stage::Hindered(why) => {
            ui.add(Label::new(format!("It can't be audited: {why}")).wrap().selectable(true));
            None
        }
        Stage::Over(found) => over(ui, found, theme),
    }
}

/// A severity's colour.
pub fn colour(severity: Severity, theme: &Theme) -> Color32 {
    match severity {
        Severity::High => theme.bad(),
        Severity::Medium => theme.warn(),
        Severity::Low => theme.secondary,
    }
}

fn over(ui: &mut Ui, found: &Found, theme: &Theme) -> Option<Action> {
    let mut action = None;
    ui.add(Label::new(RichText::new(&found.headline).font(style::strong())).wrap().selectable(true));
    for (index, finding) in found.findings.iter().enumerate() {
        action = ui.push_id(("finding", index), |ui| finding_ui(ui, finding, theme)).inner.or(action);
    }
    ui.add_space(space::S);
    ui.label(style::section("Every origin that was tried"));
    let mut last = "";
    for (index, trial) in found.trials.iter().enumerate() {
        if trial.way != last {
            last = trial.way;
            ui.label(RichText::new(trial.way).font(style::small_strong()).color(theme.secondary));
        }
        action = ui.push_id(("trial", index), |ui| trial_ui(ui, trial, theme)).inner.or(action);
    }
    action
}

fn finding_ui(ui: &mut Ui, finding: &FindingVm, theme: &Theme) -> Option<Action> {
    let shown =
        Frame::new().fill(theme.raised).corner_radius(f32::from(RADIUS)).inner_margin(space::S).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_wrapped(|ui| {
                let word = finding.severity.word().to_uppercase();
                ui.label(RichText::new(word).font(style::small_strong()).color(colour(finding.severity, theme)));
                ui.label(RichText::new(&*finding.id).font(style::mono()).color(theme.secondary));
            });
            ui.add(Label::new(RichText::new(&finding.text).font(style::strong())).wrap().selectable(true));
            let evidence = RichText::new(&finding.evidence).font(style::mono()).color(theme.secondary);
            ui.add(Label::new(evidence).wrap().selectable(true));
            fixes(ui, &finding.fixes, theme)
        });
    let name = format!("{}: {}. {}", finding.severity.word(), finding.id, finding.text);
    shown.response.widget_info(|| WidgetInfo::labeled(egui::Role::Group, true, &name));
    shown.inner
}

/// Each fix, with what to paste.
pub fn fixes(ui: &mut Ui, fixes: &[FixVm], theme: &Theme) -> Option<Action> {
    let mut action = None;
    for (index, fix) in fixes.iter().enumerate() {
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new("Fix").font(style::small_strong()).color(theme.link));
            ui.label(&fix.text);
        });
        let Some(snippet) = &fix.snippet else { continue };
        ui.horizontal_top(|ui| {
            Frame::new().fill(theme.well).corner_radius(f32::from(RADIUS)).inner_margin(space::S).show(ui, |ui| {
                ui.add(Label::new(RichText::new(snippet).font(style::mono())).selectable(true));
            });
            let copy = ui.button("Copy").on_hover_text("Copy these lines");
            copy.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, format!("Copy fix {}", index + 1)));
            if copy.clicked() {
                action = Some(Action::Copy(snippet.clone()));
            }
        });
    }
    action
}

/// A line that opens into the request and its answer.
fn trial_ui(ui: &mut Ui, trial: &TrialVm, theme: &Theme) -> Option<Action> {
    let line = format!("{}, {}: {}, {}", trial.origin, trial.trial, trial.grant, trial.answered);
    let colour = if trial.open { theme.warn() } else { theme.text };
    let head = CollapsingHeader::new(RichText::new(line).font(style::mono()).color(colour));
    let opened = head.show(ui, |ui| {
        ui.with_layout(Layout::top_down(Align::Min), |ui| exchange_ui(ui, &trial.exchange, 0.0, theme)).inner
    });
    opened.body_returned.flatten()
}

/// What is amiss though the endpoint works: a line, and the rest behind it.
pub fn warnings(ui: &mut Ui, vm: &[FindingVm], theme: &Theme) -> Option<Action> {
    let first = vm.first()?;
    let more = vm.len().saturating_sub(1);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    // Short: a header that opens doesn't wrap.
    let line = format!("It works, but: {} ({}){more}", first.id, first.severity.word());
    let head = RichText::new(line).font(style::strong()).color(colour(first.severity, theme));
    let opened = CollapsingHeader::new(head).id_salt("warnings").show(ui, |ui| {
        let mut action = None;
        for (index, finding) in vm.iter().enumerate() {
            action = ui.push_id(index, |ui| finding_ui(ui, finding, theme)).inner.or(action);
        }
        action
    });
    opened.body_returned.flatten()
}

#[cfg(test)]
mod tests;
