//! What a rendered file carries, read back by the strict parser of its format.

use super::{Error, Format};
use crate::formats::{
    Refusal, arguments, grub, initramfs, modprobe, multipath, premount, sysctl, udev, unit,
};
use crate::initramfs::INCLUDED;

/// What a file must carry, as its strict parser gives it back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Carried {
    Rules(Vec<Vec<udev::Token>>),
    Settings(Vec<(bool, String, String)>),
    Options(Vec<(String, String, String)>),
    Edits(Vec<grub::Edit>),
    Pairs(Vec<(String, String)>),
}

/// What a file carries, by its own strict parser.
fn carried(format: Format, body: &str) -> Result<Carried, Refusal> {
    Ok(match format {
        Format::Udev => Carried::Rules(udev::parse(body)?),
        Format::Sysctl => Carried::Settings(
            sysctl::parse(body)?.into_iter().map(|e| (e.optional, e.key, e.value)).collect(),
        ),
        Format::Modprobe => Carried::Options(
            modprobe::parse(body)?.into_iter().map(|o| (o.module, o.parameter, o.value)).collect(),
        ),
        Format::Grub => Carried::Edits(grub::parse(body)?),
        Format::Kargs => Carried::Pairs(alone(arguments::parse_kargs(body)?)),
        Format::Cmdline => Carried::Pairs(alone(arguments::parse_cmdline(body)?)),
        Format::Multipath => Carried::Pairs(multipath::parse(body)?),
        Format::Unit => Carried::Pairs(unit::parse(body)?),
        Format::Waits => Carried::Pairs(unit::parse_waits(body)?),
        Format::Premount => Carried::Pairs(premount::parse(body)?),
        Format::Drivers => Carried::Pairs(
            initramfs::parse(body)?.into_iter().map(|module| (module, INCLUDED.to_owned())).collect(),
        ),
    })
}

/// Arguments as pairs, each with nothing beside it.
pub(super) fn alone(args: Vec<String>) -> Vec<(String, String)> {
    args.into_iter().map(|arg| (arg, String::new())).collect()
}

/// Whether two files of a format carry the same assignments, in the same order, whatever their comments.
pub fn says_the_same(format: Format, one: &[u8], other: &[u8]) -> bool {
    let read = |bytes| carried(format, std::str::from_utf8(bytes).ok()?).ok();
    read(one).is_some_and(|one| read(other).as_ref() == Some(&one))
}

pub(super) fn check(format: Format, body: &str, planned: &Carried) -> Result<(), Error> {
    let name = format.template();
    let found = carried(format, body).map_err(|refusal| Error::Refused { name, refusal })?;
    if found == *planned {
        return Ok(());
    }
    Err(Error::Differs { name, why: difference(planned, &found) })
}

/// The first place where two lists differ, in words.
fn difference(planned: &Carried, found: &Carried) -> String {
    fn first<T: std::fmt::Debug + PartialEq>(planned: &[T], found: &[T]) -> String {
        let show = |one: Option<&T>| one.map_or("nothing".to_owned(), |one| format!("{one:?}"));
        (0..planned.len().max(found.len()))
            .find(|&index| planned.get(index) != found.get(index))
            .map_or(String::new(), |index| {
                format!("planned {}, found {}", show(planned.get(index)), show(found.get(index)))
            })
    }
    match (planned, found) {
        (Carried::Rules(a), Carried::Rules(b)) => first(a, b),
        (Carried::Settings(a), Carried::Settings(b)) => first(a, b),
        (Carried::Options(a), Carried::Options(b)) => first(a, b),
        (Carried::Edits(a), Carried::Edits(b)) => first(a, b),
        (Carried::Pairs(a), Carried::Pairs(b)) => first(a, b),
        _ => "another format".to_owned(),
    }
}
