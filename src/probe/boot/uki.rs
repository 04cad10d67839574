//! Unified kernel images on an ESP, and their addons: what each image boots with, and whether an addon of
//! ours would be taken (man 7 systemd-stub).

use crate::facts::{AddonMaker, Attribute, Boot, BootArg, BootLine, Holds, LineKind, Uki};
use crate::formats::bytes::decode;
use crate::formats::pe::{self, Header, Machine, Section};
use crate::marker::{Standing, addon, standing_of};
use crate::probe::os::parse_release;
use crate::root::Large;

use super::Look;
use super::arguments::{new_kernel, plain};
use super::look::ESPS;
use super::tools::installed;

/// The most that is read of a section; the kernel takes 2 KiB of a command line.
const TEXT_LIMIT: usize = 64 << 10;
/// The first release of systemd whose stub looks for addons (its NEWS).
const ADDONS_SINCE: u32 = 254;

/// An image or an addon that is read.
struct Open {
    header: Header,
    file: Large,
    /// The whole of a small file.
    whole: Option<Vec<u8>>,
}

/// An image that holds a kernel.
struct Image {
    path: String,
    esp: &'static str,
    header: Header,
    /// What is built in, one line for each profile.
    lines: Vec<Vec<BootArg>>,
    uname: String,
    stub: String,
    os: String,
}

/// A file that adds to a command line.
#[derive(Clone)]
struct Addon {
    path: String,
    args: Vec<BootArg>,
    uname: String,
    signed: bool,
    ours: bool,
}

impl Addon {
    /// Whether it comes after ours in its directory.
    fn is_late(&self) -> bool {
        self.path.rsplit('/').next().is_some_and(|name| name > addon::NAME)
    }
}

impl Open {
    /// What a section says as the stub takes it: to the first NUL, control characters for blanks.
    fn text(&self, section: &Section) -> Result<String, String> {
        let Section { name, size, offset } = section;
        if *size > TEXT_LIMIT {
            return Err(format!("its section {name} has {size} bytes, and {TEXT_LIMIT} are read at most"));
        }
        let bytes = self.file.part(*offset, *size).map_err(|error| error.reason())?;
        if bytes.len() < *size {
            return Err(format!("it ends within its section {name}"));
        }
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        let blank = |c: char| if c.is_ascii_control() && c != '\n' { ' ' } else { c };
        Ok(decode(text).chars().map(blank).collect())
    }

    /// The text of the first section of a name; empty where there is none.
    fn first(&self, name: &str) -> Result<String, String> {
        self.header.section(name).map_or_else(|| Ok(String::new()), |section| self.text(section))
    }
}

/// A file's header; `None` where there is no such file.
fn open(look: &mut Look<'_>, path: &str) -> Result<Option<Open>, String> {
    let file = match look.large(path) {
        Attribute::Is(file) => file,
        Attribute::Absent => return Ok(None),
        Attribute::Unknown => return Err("it could not be opened".to_owned()),
    };
    let head = file.part(0, pe::HEAD).map_err(|error| error.reason())?;
    let header = pe::parse(&head).ok_or("it is no EFI image")?;
    let whole = Some(head).filter(|head| head.len() < pe::HEAD);
    Ok(Some(Open { header, file, whole }))
}

/// Reads an image; `None` where it holds no kernel, so that no boot loader lists it.
fn image(look: &mut Look<'_>, path: &str, esp: &'static str) -> Result<Option<Image>, String> {
    let Some(open) = open(look, path)? else { return Ok(None) };
    if open.header.section(".linux").is_none() {
        return Ok(None);
    }
    let mut lines = Vec::new();
    for sections in open.header.profiles() {
        let line = sections.into_iter().find(|section| section.name == ".cmdline");
        let text = line.map_or_else(|| Ok(String::new()), |section| open.text(section))?;
        lines.push(plain(path, 0, &text));
    }
    let (uname, stub, os) = (open.first(".uname")?, open.first(".sdmagic")?, open.first(".osrel")?);
    let os = parse_release(&os).id;
    Ok(Some(Image { path: path.to_owned(), esp, header: open.header, lines, uname, stub, os }))
}

/// The addons of a directory, in the order in which the stub takes them.
fn addons(look: &mut Look<'_>, doubts: &mut Vec<String>, dir: &str) -> Vec<Addon> {
    if look.names(dir).is_none() {
        doubts.push(format!("{dir} could not be listed"));
    }
    let mut found = Vec::new();
    for name in look.named(dir, "", addon::ENDING) {
        if name.starts_with('.') || !name.is_ascii() {
            continue;
        }
        let path = format!("{dir}/{name}");
        match read_addon(look, &path) {
            Ok(addon) => found.extend(addon),
            Err(why) => doubts.push(format!("{path} may add arguments, and is not read: {why}")),
        }
    }
    found
}

fn read_addon(look: &mut Look<'_>, path: &str) -> Result<Option<Addon>, String> {
    let Some(open) = open(look, path)? else { return Ok(None) };
    // The stub passes over what holds a kernel.
    if open.header.section(".linux").is_some() {
        return Ok(None);
    }
    let (args, uname) = (plain(path, 0, &open.first(".cmdline")?), open.first(".uname")?);
    let ours = addon::is_path(path) && standing_of(open.whole.as_deref()) == Standing::Ours;
    Ok(Some(Addon { path: path.to_owned(), args, uname, signed: open.header.signed_at.is_some(), ours }))
}

/// Reads the images and what adds to them into the boot facts. `secure_boot`: whether the machine lets in
/// what is signed only; `None`: nobody knows.
pub(super) fn read(look: &mut Look<'_>, boot: &mut Boot, secure_boot: Option<bool>) {
    let (mut images, mut unread) = (Vec::new(), None);
    for (esp, path) in paths(look, &mut boot.doubts) {
        match image(look, &path, esp) {
            Ok(image) => images.extend(image),
            Err(why) => {
                unread.get_or_insert(format!("{path} could not be read: {why}"));
                boot.doubts.push(format!("{path} carries a command line, which is not read: {why}"));
            }
        }
    }
    let own = Own::read(look);
    let by_hand = by_hand(look, &images, &own, secure_boot).or(unread);
    images.retain(|image| !own.is_of_another(image));
    if images.is_empty() && by_hand.is_none() {
        boot.doubts.push("no unified kernel image was found, so its command line is not known".to_owned());
    }
    let mut globals: Vec<(&str, Vec<Addon>)> = Vec::new();
    for image in &images {
        if !globals.iter().any(|(esp, _)| *esp == image.esp) {
            globals.push((image.esp, addons(look, &mut boot.doubts, &addon::global_dir(image.esp))));
        }
        let of_esp = globals.iter().find(|(esp, _)| *esp == image.esp).map(|(_, addons)| addons.clone());
        let all =
            (of_esp.unwrap_or_default(), addons(look, &mut boot.doubts, &addon::local_dir(&image.path)));
        lines(boot, image, all, by_hand.is_none(), secure_boot);
    }
    let first = globals.into_iter().next().map(|(_, addons)| addons).unwrap_or_default();
    later(look, boot, first, by_hand.is_none(), secure_boot);
    let machine = images.first().map_or(Machine::Other(0), |image| image.header.machine);
    let maker = by_hand.as_ref().and_then(|_| maker(look, machine));
    let images = images.into_iter().map(|image| image.path).collect();
    boot.uki = Some(Uki { images, machine, by_hand, maker });
}

/// What may be an image, on every ESP.
fn paths(look: &mut Look<'_>, doubts: &mut Vec<String>) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for esp in ESPS {
        let dir = format!("{esp}EFI/Linux");
        if look.names(&dir).is_none() {
            doubts.push(format!("{dir} could not be listed"));
        }
        let names: Vec<String> =
            look.named(&dir, "", ".efi").into_iter().filter(|name| !name.starts_with('.')).collect();
        // A link leads to one of the others.
        if !names.is_empty() && look.root.read_link(esp.trim_end_matches('/')).ok().flatten().is_none() {
            found.extend(names.into_iter().map(|name| (esp, format!("{dir}/{name}"))));
        }
    }
    found
}

/// Adds a line for each profile of an image.
fn lines(
    boot: &mut Boot,
    image: &Image,
    (globals, locals): (Vec<Addon>, Vec<Addon>),
    written: bool,
    secure_boot: Option<bool>,
) {
    let added = |late: bool, addons: &[Addon]| -> Vec<BootArg> {
        let taken = addons.iter().filter(|addon| addon.is_late() == late && !(addon.ours && written));
        taken.flat_map(|addon| args_of(addon, &image.uname, secure_boot)).collect()
    };
    for (number, built_in) in image.lines.iter().enumerate() {
        let mut args = built_in.clone();
        for part in [added(false, &globals), added(true, &globals), added(false, &locals)] {
            args.extend(part);
        }
        let ours_at = written.then_some(args.len());
        args.extend(added(true, &locals));
        if args.is_empty() {
            boot.doubts.push(format!("{} carries no command line: who starts it gives one", image.path));
        }
        let entry = if image.lines.len() > 1 { format!("profile {number}") } else { String::new() };
        let path = image.path.clone();
        boot.lines.push(BootLine { path, line: 0, entry, kind: LineKind::Entry, args, ours_at });
    }
}

/// What an addon gives an image of this kernel.
fn args_of(addon: &Addon, uname: &str, secure_boot: Option<bool>) -> Vec<BootArg> {
    let holds = if secure_boot == Some(true) && !addon.signed {
        Holds::No("it is not signed, and Secure Boot is on".to_owned())
    } else if !uname.is_empty() && !addon.uname.is_empty() && addon.uname != uname {
        Holds::No(format!("it is for kernel {}", addon.uname.trim()))
    } else {
        Holds::Yes
    };
    addon.args.iter().map(|arg| BootArg { holds: holds.clone(), ..arg.clone() }).collect()
}

/// The line of a kernel that is installed later: what is built in then, and addons for all images.
fn later(look: &mut Look<'_>, boot: &mut Boot, addons: Vec<Addon>, written: bool, secure_boot: Option<bool>) {
    for path in ["etc/kernel/cmdline", "usr/lib/kernel/cmdline"] {
        let Some(text) = look.text(path) else { continue };
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with('#'));
        let mut args: Vec<BootArg> = lines.flat_map(|(number, line)| plain(path, number, line)).collect();
        let (late, early): (Vec<Addon>, Vec<Addon>) =
            addons.into_iter().filter(|addon| !(addon.ours && written)).partition(Addon::is_late);
        args.extend(early.iter().flat_map(|addon| args_of(addon, "", secure_boot)));
        let ours_at = written.then_some(args.len());
        args.extend(late.iter().flat_map(|addon| args_of(addon, "", secure_boot)));
        return boot.lines.push(new_kernel(path, args, ours_at));
    }
}

/// By what an image is told to be this root's.
struct Own {
    machine_id: String,
    os: String,
}

impl Own {
    fn read(look: &mut Look<'_>) -> Self {
        let machine_id = look.text("etc/machine-id").map(|text| text.trim().to_owned()).unwrap_or_default();
        Self { machine_id, os: look.os.map(|os| os.id.clone()).unwrap_or_default() }
    }

    /// Whether an image belongs to another installation on the same ESP: its name begins with another
    /// machine's identity, or it says that it is of another distribution.
    fn is_of_another(&self, image: &Image) -> bool {
        let name = image.path.rsplit('/').next().unwrap_or_default();
        let token = name.split('-').next().unwrap_or_default();
        let is_identity = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_identity(token) && is_identity(&self.machine_id) && token != self.machine_id)
            || (!image.os.is_empty() && !self.os.is_empty() && image.os != self.os)
    }
}

/// Why an addon of ours would not be taken, or not by this root's images alone.
fn by_hand(look: &mut Look<'_>, images: &[Image], own: &Own, secure_boot: Option<bool>) -> Option<String> {
    if secure_boot == Some(true) {
        return Some(
            "Secure Boot is on, so an addon must be signed by a key that the firmware takes".to_owned(),
        );
    }
    let Some(first) = images.first() else {
        return Some("no unified kernel image was found: the ESP may not be mounted".to_owned());
    };
    for image in images {
        let path = &image.path;
        if own.is_of_another(image) {
            return Some(format!("{path} is another installation's, and an addon would reach it, too"));
        }
        if image.header.signed_at.is_some() && secure_boot.is_none() {
            return Some(format!(
                "{path} is signed: where Secure Boot is on, an addon must be signed by a key that the firmware takes"
            ));
        }
        if stub_release(&image.stub).is_none_or(|release| release < ADDONS_SINCE) {
            return Some(format!(
                "whether {path} takes addons is not known: it does not say that its stub is of systemd {ADDONS_SINCE} or newer"
            ));
        }
        if matches!(image.header.machine, Machine::Other(_)) || image.header.machine != first.header.machine {
            return Some(format!("{path} runs on a machine for which hvtune makes no addon"));
        }
    }
    opened_by_tpm(look, images)
}

/// Whether the TPM may open a disk: an addon is measured, and a key that is bound to the command line is not
/// given out for another (man 5 crypttab, man 8 systemd-cryptsetup-generator).
fn opened_by_tpm(look: &mut Look<'_>, images: &[Image]) -> Option<String> {
    const BY_TPM: &str = "tpm2-device=";
    const TELLS: &str = "has a disk that the TPM opens, which may not do so with another command line";
    let texts = |args: &[BootArg]| {
        args.iter().filter_map(|arg| arg.text.as_deref()).any(|text| text.contains(BY_TPM))
    };
    if let Some(image) = images.iter().find(|image| image.lines.iter().any(|args| texts(args))) {
        return Some(format!("{} {TELLS}", image.path));
    }
    match look.read("etc/crypttab") {
        Attribute::Is(text) => {
            let sealed = text.lines().any(|line| !line.starts_with('#') && line.contains(BY_TPM));
            sealed.then(|| format!("etc/crypttab {TELLS}"))
        }
        Attribute::Absent => None,
        Attribute::Unknown => {
            Some("whether the TPM opens a disk is not known: etc/crypttab could not be read".to_owned())
        }
    }
}

/// The release in `#### LoaderInfo: systemd-stub 257.9-1 ####`.
pub(super) fn stub_release(magic: &str) -> Option<u32> {
    let (_, rest) = magic.split_once("systemd-stub ")?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    rest.get(..digits)?.parse().ok()
}

/// What somebody would make the addon with.
fn maker(look: &mut Look<'_>, machine: Machine) -> Option<AddonMaker> {
    let stub = match machine {
        Machine::X86_64 => "/usr/lib/systemd/boot/efi/addonx64.efi.stub",
        Machine::Aarch64 => "/usr/lib/systemd/boot/efi/addonaa64.efi.stub",
        Machine::Other(_) => return None,
    };
    let program = if installed(look, "ukify") {
        "ukify"
    } else if look.there("usr/lib/systemd/ukify") {
        "/usr/lib/systemd/ukify"
    } else {
        return None;
    };
    look.there(stub.trim_start_matches('/')).then_some(AddonMaker { program, stub })
}
