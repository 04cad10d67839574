//! Puts a generated file in the place of a live one as `apply` does with the boot menu: what
//! `tests/faults/power` runs in a guest. Arguments: root directory, new path, live path.

use hvtune::root::Root;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [root, new, live] = args.as_slice() else { anyhow::bail!("usage: exchange ROOT NEW LIVE") };
    Ok(Root::offline(root.as_ref())?.exchange(new, live)?)
}
