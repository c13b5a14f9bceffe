//! Profile → text: a new file, or a change in a person's own.
//!
//! Invariants: what [`write`] writes, [`parse`] reads back as the same profile; [`update`] touches only the values that
//! changed, so comments, order and spelling stay, and its answer has been read back and compared before it is given.

use toml_edit::{Array, ArrayOfTables, Document, DocumentMut, InlineTable, Item, Table, Value};

use super::model::Profile;
use super::read::{parse, plain};
use super::written::{Entry, entries, to_json};
use crate::base::{Problem, Severity};

/// A line longer than this is broken at a list's items.
const WIDTH: usize = 100;

/// The profile as a new file: what differs from the defaults, in the contract's order.
pub fn write(profile: &Profile) -> String {
    let defaults = entries(&Profile::new("", profile.kind, profile.url.clone()));
    let chosen = entries(profile).into_iter().zip(defaults).filter_map(|(entry, default)| {
        let always = entry.section.is_empty() && ["name", "kind", "url"].contains(&entry.key);
        (always || entry.text() != default.text()).then_some(entry)
    });
    document(chosen).to_string()
}

/// The profile with every default filled in.
pub fn write_full(profile: &Profile) -> String {
    document(filled(profile)).to_string()
}

/// Many profiles in one document, each under its key and with every default filled in.
pub fn write_all(profiles: impl IntoIterator<Item = (String, Profile)>) -> String {
    let mut all = DocumentMut::new();
    for (key, profile) in profiles {
        all.insert(&key, document(filled(&profile)).into_item());
    }
    all.to_string()
}

/// The profile as JSON with every default filled in, by the file's names. Secrets are their names.
pub fn to_full_json(profile: &Profile) -> serde_json::Value {
    let mut root = serde_json::Map::new();
    for Entry { section, key, value } in filled(profile) {
        let json = value.as_ref().map_or(serde_json::Value::Null, to_json);
        if section.is_empty() {
            root.insert(key.to_owned(), json);
        } else if let serde_json::Value::Object(fields) =
            root.entry(section).or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()))
        {
            fields.insert(key.to_owned(), json);
        }
    }
    serde_json::Value::Object(root)
}

/// The entries of the kind, with the page that is really used.
fn filled(profile: &Profile) -> impl Iterator<Item = Entry> {
    let mut profile = profile.clone();
    profile.page = Some(profile.page_url());
    entries(&profile).into_iter()
}

/// What is wrong with a profile that was made or changed by hand: the warnings, or every mistake.
pub fn check(profile: &Profile) -> Result<Vec<Problem>, Vec<Problem>> {
    let (read, warnings) = parse(&write(profile), None)?;
    if read == *profile { Ok(warnings) } else { Err(vec![not_writable()]) }
}

/// The person's text with the profile's changes in it.
///
/// # Errors
/// The text has mistakes already, or the profile has: as [`parse`] tells them, with the lines of the text as it would be.
pub fn update(original: &str, profile: &Profile) -> Result<String, Vec<Problem>> {
    let (old, _) = parse(original, None)?;
    if old == *profile {
        return Ok(original.to_owned());
    }
    let same_as_wanted = |text: &str| match parse(text, None) {
        Ok((read, _)) if read == *profile => Ok(()),
        Ok(_) => Err(vec![not_writable()]),
        Err(problems) => Err(problems),
    };
    let Ok(document) = Document::parse(plain(original).into_owned()) else { return Err(vec![not_writable()]) };
    let document = document.into_mut();
    // First with every inner comment and order kept; where that does not come out as wanted, the changed values whole.
    let mut text = change(document.clone(), &old, profile, Grain::Fine);
    if same_as_wanted(&text).is_err() {
        text = change(document, &old, profile, Grain::Whole);
        same_as_wanted(&text)?;
    }
    Ok(in_dress_of(original, text))
}

fn not_writable() -> Problem {
    Problem {
        severity: Severity::Error,
        file: None,
        line: None,
        key: None,
        message: "the profile holds something that its file can't".into(),
        hint: Some("look for an empty name, a group level with \" / \" in it, or a null in Socket.IO data".into()),
    }
}

/// The text with the original's line ends and byte order mark.
fn in_dress_of(original: &str, text: String) -> String {
    let windows = original.contains("\r\n");
    let text = if windows { text.replace('\n', "\r\n") } else { text };
    if original.starts_with('\u{feff}') { format!("\u{feff}{text}") } else { text }
}

/// A document of these entries.
fn document(entries: impl Iterator<Item = Entry>) -> DocumentMut {
    let mut document = DocumentMut::new();
    for Entry { section, key, value } in entries {
        let Some(mut value) = value else { continue };
        break_long(key, &mut value);
        if section.is_empty() {
            document.insert(key, Item::Value(value));
        } else if let Some(table) =
            document.entry(section).or_insert_with(|| Item::Table(Table::new())).as_table_like_mut()
        {
            table.insert(key, Item::Value(value));
        }
    }
    document
}

/// Puts each item of a long list on a line of its own.
fn break_long(key: &str, value: &mut Value) {
    if key.len() + 3 + value.to_string().len() <= WIDTH {
        return;
    }
    if let Value::Array(items) = value {
        for item in items.iter_mut() {
            item.decor_mut().set_prefix("\n  ");
        }
        items.set_trailing("\n");
        items.set_trailing_comma(true);
    }
}

/// How much of a changed value is replaced.
#[derive(Clone, Copy, PartialEq)]
enum Grain {
    /// Only what differs inside it.
    Fine,
    Whole,
}

fn change(mut document: DocumentMut, old: &Profile, new: &Profile, grain: Grain) -> String {
    for (was, becomes) in entries(old).into_iter().zip(entries(new)) {
        if was.text() == becomes.text() {
            continue;
        }
        let Entry { section, key, value } = becomes;
        let home = if section.is_empty() {
            document.as_item_mut()
        } else {
            document.entry(section).or_insert_with(|| Item::Table(Table::new()))
        };
        // Always so in a text that was read as a profile.
        let Some(table) = home.as_table_like_mut() else { continue };
        match (value, table.get_mut(key)) {
            (None, None) => {}
            (None, Some(_)) => remove(home, key),
            (Some(value), None) => {
                let mut value = value;
                break_long(key, &mut value);
                table.insert(key, Item::Value(value));
            }
            (Some(value), Some(item)) => match (was.value, grain) {
                (Some(was), Grain::Fine) => merge(item, &was, value),
                _ => replace(item, value),
            },
        }
    }
    document.to_string()
}

/// Takes a key out; the comments above and behind it stay.
fn remove(home: &mut Item, key: &str) {
    let Some(table) = home.as_table_like_mut() else { return };
    let keys: Vec<String> = table.iter().filter(|(_, item)| item.is_value()).map(|(key, _)| key.to_owned()).collect();
    let at = keys.iter().position(|other| other == key);
    let next = at.and_then(|at| keys.get(at + 1));
    let before = at.and_then(|at| at.checked_sub(1)).and_then(|at| keys.get(at));
    let above =
        table.key(key).and_then(|key| key.leaf_decor().prefix()?.as_str().map(str::to_owned)).unwrap_or_default();
    let behind = table.get(key).and_then(Item::as_value).and_then(|value| value.decor().suffix()?.as_str());
    let mut comments = above;
    if let Some(behind) = behind.map(str::trim).filter(|behind| behind.starts_with('#')) {
        comments.push_str(behind);
        comments.push('\n');
    }
    if comments.contains('#') {
        if let Some(mut key) = next.and_then(|next| table.key_mut(next)) {
            let own = key.leaf_decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or("").to_owned();
            key.leaf_decor_mut().set_prefix(format!("{comments}{own}"));
        } else if let Some(value) = before.and_then(|before| table.get_mut(before)).and_then(Item::as_value_mut) {
            let own = value.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or("").to_owned();
            value.decor_mut().set_suffix(format!("{own}\n{}", comments.trim_end()));
        } else if let Some(table) = home.as_table_mut() {
            // Nothing is left in the section: behind its header.
            let own = table.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or("").to_owned();
            table.decor_mut().set_suffix(format!("{own}\n{}", comments.trim_end()));
        }
    }
    if let Some(table) = home.as_table_like_mut() {
        table.remove(key);
    }
}

/// Puts a value in another's place, in its dress.
fn replace(item: &mut Item, value: Value) {
    match (&mut *item, value) {
        (Item::Value(old), mut value) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        (Item::Table(table), Value::InlineTable(fields)) => {
            table.clear();
            for (key, value) in fields {
                table.insert(&key, Item::Value(value));
            }
        }
        (Item::ArrayOfTables(tables), Value::Array(items)) if items.iter().all(Value::is_inline_table) => {
            let rows = items.into_iter().filter_map(|item| match item {
                Value::InlineTable(fields) => Some(fields.into_table()),
                _ => None,
            });
            *tables = rows.collect::<ArrayOfTables>();
        }
        (other, value) => *other = Item::Value(value),
    }
}

/// Changes what differs between `was` and `becomes`, of which `item` holds the first in the person's own spelling.
fn merge(item: &mut Item, was: &Value, becomes: Value) {
    match (&mut *item, was, becomes) {
        (Item::Value(Value::Array(items)), Value::Array(was), Value::Array(becomes)) if items.len() == was.len() => {
            merge_list(items, was, becomes);
        }
        (Item::ArrayOfTables(tables), Value::Array(was), Value::Array(becomes))
            if tables.len() == was.len() && becomes.iter().all(Value::is_inline_table) =>
        {
            merge_tables(tables, was, becomes);
        }
        (_, Value::InlineTable(was), Value::InlineTable(becomes)) if keeps_order(was, &becomes) => {
            if item.is_table_like() {
                merge_fields(item, was, becomes);
            } else {
                replace(item, Value::InlineTable(becomes));
            }
        }
        (_, _, becomes) => replace(item, becomes),
    }
}

/// Whether taking out what is gone and appending what is new gives the new order.
fn keeps_order(was: &InlineTable, becomes: &InlineTable) -> bool {
    let stay = was.iter().map(|(key, _)| key).filter(|key| becomes.contains_key(key));
    let come = becomes.iter().map(|(key, _)| key).filter(|key| !was.contains_key(key));
    stay.chain(come).eq(becomes.iter().map(|(key, _)| key))
}

fn merge_fields(home: &mut Item, was: &InlineTable, becomes: InlineTable) {
    for (key, _) in was.iter().filter(|(key, _)| !becomes.contains_key(key)) {
        remove(home, key);
    }
    let Some(table) = home.as_table_like_mut() else { return };
    for (key, value) in becomes {
        match (was.get(&key), table.get_mut(&key)) {
            // What stays the same may be left out in the person's own spelling.
            (Some(was), _) if was.to_string() == value.to_string() => {}
            (Some(was), Some(item)) => merge(item, was, value),
            _ => {
                table.insert(&key, Item::Value(value));
            }
        }
    }
}

/// How many items are the same at the front and at the back.
fn same_ends(was: &Array, becomes: &Array) -> (usize, usize) {
    let texts = |list: &Array| list.iter().map(Value::to_string).map(|text| text.trim().to_owned()).collect::<Vec<_>>();
    let (was, becomes) = (texts(was), texts(becomes));
    let front = was.iter().zip(&becomes).take_while(|(a, b)| a == b).count();
    let rest = was.len().min(becomes.len()) - front;
    let back = was.iter().rev().zip(becomes.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    (front, back)
}

fn merge_list(items: &mut Array, was: &Array, becomes: Array) {
    let (front, back) = same_ends(was, &becomes);
    let (old_middle, new_middle) = (was.len() - back - front, becomes.len() - back - front);
    for (offset, value) in becomes.into_iter().skip(front).take(new_middle).enumerate() {
        let at = front + offset;
        if offset < old_middle {
            let (Some(item), Some(was)) = (items.get_mut(at), was.get(at)) else { continue };
            let mut slot = Item::Value(item.clone());
            merge(&mut slot, was, value);
            if let Ok(value) = slot.into_value() {
                *item = value;
            }
        } else {
            insert(items, at, value);
        }
    }
    for _ in new_middle..old_middle {
        take_out(items, front + new_middle);
    }
}

/// What stands between the item before `at` (its comma passed) and the item at `at`, or the list's end.
fn gap(items: &Array, at: usize) -> String {
    let raw = match items.get(at) {
        Some(item) => item.decor().prefix(),
        None => Some(items.trailing()),
    };
    raw.and_then(|raw| raw.as_str()).unwrap_or(if 0 < at && at < items.len() { " " } else { "" }).to_owned()
}

fn set_gap(items: &mut Array, at: usize, text: &str) {
    match items.get_mut(at) {
        Some(item) => item.decor_mut().set_prefix(text),
        None => items.set_trailing(text),
    }
}

/// A gap's first line, which belongs to the item before it, and the rest.
fn first_line(gap: &str) -> (&str, Option<&str>) {
    gap.find('\n').map_or((gap, None), |at| (&gap[..at], Some(&gap[at..])))
}

/// Puts an item in: on a line of its own where the list has its items so.
fn insert(items: &mut Array, at: usize, value: Value) {
    let first = gap(items, 0);
    let Some((_, indent)) = first.rsplit_once('\n').filter(|_| !items.is_empty()) else {
        items.insert(at, value);
        if at == 0 {
            set_gap(items, 0, &first);
        }
        return;
    };
    let here = gap(items, at);
    let (behind, rest) = first_line(&here);
    items.insert_formatted(at, value.decorated(format!("{behind}\n{indent}"), ""));
    set_gap(items, at + 1, rest.unwrap_or(""));
}

/// Takes an item out, with the comments above and behind it; those of its neighbours stay.
fn take_out(items: &mut Array, at: usize) {
    let (above, below) = (gap(items, at), gap(items, at + 1));
    items.remove(at);
    let after = match (first_line(&above), first_line(&below)) {
        ((behind, Some(_)), (_, Some(rest))) => format!("{behind}{rest}"),
        (_, (_, Some(_))) => below,
        // The list's end has no blank of its own.
        _ if at == items.len() => below,
        _ => above,
    };
    set_gap(items, at, &after);
}

fn merge_tables(tables: &mut ArrayOfTables, was: &Array, becomes: Array) {
    let mut rows: Vec<Table> = tables.iter().cloned().collect();
    let (front, back) = same_ends(was, &becomes);
    let (old_middle, new_middle) = (was.len() - back - front, becomes.len() - back - front);
    for (offset, value) in becomes.into_iter().skip(front).take(new_middle).enumerate() {
        let Value::InlineTable(fields) = value else { continue };
        let at = front + offset;
        if offset < old_middle {
            let mut slot = Item::Table(std::mem::take(&mut rows[at]));
            if let Some(was) = was.get(at) {
                merge(&mut slot, was, Value::InlineTable(fields));
            }
            if let Ok(table) = slot.into_table() {
                rows[at] = table;
            }
        } else {
            rows.insert(at, fields.into_table());
        }
    }
    rows.drain(front + new_middle..front + new_middle.max(old_middle));
    *tables = rows.into_iter().collect();
}

#[cfg(test)]
mod generated;
#[cfg(test)]
mod tests;
