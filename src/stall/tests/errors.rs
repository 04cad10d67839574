//! Errors of the host: when they end, whether a setting cures them, what they are to the detector.

use super::*;

/// Measured on 6.1: with a timeout of 5 s and answers after 2 s an end at 12.6 s after 6 tries, with 1 s and
/// 2 s at 6.5 s after 3, with 1 s and 7 s at 7.6 s after 1, and none with -1.
#[test]
fn errors_that_the_host_holds_back_end_by_tries_or_by_time() {
    let ends = |timeout, host_holds, retries| {
        let mut sda = disk("sda", Class::StorvscScsi);
        (sda.live.timeout, sda.live.max_retries) = (Attribute::Is(timeout), Attribute::Is(retries));
        let policy = Policy { host_holds, ..Policy::default() };
        let survey = survey(&machine("6.1.0-18-amd64", vec![sda]), &[], &policy);
        survey.standings[0].fate(Trouble::ErrorsHeld, Column::Now).unwrap().at.seconds()
    };
    for (timeout, held, retries, expected) in [
        (5, 2, 5, Some(12)),
        (1, 2, 5, Some(6)),
        (1, 7, 5, Some(7)),
        (30, 20, 5, Some(120)),
        (30, 60, 5, Some(180)),
        (180, 60, 5, Some(360)),
        (300, 60, 5, Some(360)),
        (180, 60, 0, Some(60)),
        (180, 60, -1, None),
    ] {
        assert_eq!(ends(timeout, held, retries), expected, "{timeout} s, held {held} s, {retries}");
    }
    let old = machine("3.10.0-1160.el7.x86_64", vec![disk("sda", Class::StorvscScsi)]);
    assert_eq!(self::ends(&old, Trouble::ErrorsHeld), "70");
}

/// Nothing survives that one kind ends which a setting cures, and what none cures is told.
#[test]
fn errors_count_where_a_setting_cures_them() {
    let of = |change: &dyn Fn(&mut Disk)| {
        let mut sda = disk("sda", Class::StorvscScsi);
        change(&mut sda);
        let survey = survey(&machine("6.1.0-18-amd64", vec![sda]), &[], &Policy::default());
        let standing = survey.standings.into_iter().next().unwrap();
        (standing.survives(Column::Now, 180), standing.uncured)
    };
    assert_eq!(of(&|_| {}), (false, None));
    assert_eq!(of(&|disk| disk.live.max_retries = Attribute::Is(-1)), (true, None));
    let (survives, why) = of(&|disk| disk.live.max_retries = Attribute::Absent);
    assert!(survives && why.unwrap().contains("5.10"));
    for (role, word) in [
        (Role::Member, "is a member"),
        (Role::PerhapsMember, "could not tell"),
        (Role::Path, "path"),
        (Role::AzureTemporary, "temporary"),
    ] {
        let (survives, why) = of(&|disk| disk.roles.extend([role]));
        assert!(survives && why.unwrap().contains(word), "{role:?}");
    }
}

#[test]
fn a_storm_that_is_waited_out_is_a_hang_to_the_detector() {
    let mut sda = disk("sda", Class::StorvscScsi);
    sda.live.max_retries = Attribute::Is(-1);
    let facts = with(&machine("6.1.0-18-amd64", vec![sda]), |machine| {
        for (key, value) in [("timeout_secs", "120"), ("panic", "1")] {
            machine.sysctls.insert(format!("kernel.hung_task_{key}"), value.to_owned());
        }
    });
    assert_eq!(three(&facts), ["120", "-", "120"]);
}
