//! A write before the kernel has seen it.

use super::knob::{Effect, Knob};
use super::{Acts, Moment, Who, Writer};
use crate::formats::sysctl::read::key_of;

/// One write to a key or its counterpart.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) who: Who,
    /// The key that is written, as a path.
    pub(super) written: String,
    /// What is written; `None` where nobody can tell.
    pub(super) value: Option<String>,
    pub(super) moment: Moment,
    pub(super) acts: Acts,
    pub(super) because: String,
    /// Only where the number is greater (`>`) or less (`<`) than what is there.
    pub(super) only_if: Option<char>,
    /// What a person is shown, where it is not key and value.
    pub(super) shown: Option<String>,
}

impl Draft {
    /// A plain write.
    pub(super) fn new(who: Who, written: &str, value: Option<String>, moment: Moment, because: &str) -> Self {
        let (written, because) = (written.to_owned(), because.to_owned());
        Self { who, written, value, moment, acts: Acts::Yes, because, only_if: None, shown: None }
    }

    /// The same, where it is less sure.
    pub(super) fn acting(self, acts: Acts) -> Self {
        Self { acts, ..self }
    }

    /// The writer, after the value that is there, where it is known.
    pub(super) fn writer(self, knob: &Knob, there: Option<&str>) -> Writer {
        let Some(written_value) = self.value else {
            let acts = match self.acts {
                Acts::Yes => Acts::Maybe("what it writes could not be told".to_owned()),
                other => other,
            };
            let shown = self.shown.unwrap_or_default();
            return Writer {
                who: self.who,
                value: None,
                shown,
                moment: self.moment,
                acts,
                because: self.because,
            };
        };
        let operator = self.only_if.map(String::from).unwrap_or_default();
        let plain = format!("{} = {operator}{written_value}", key_of(&self.written));
        let (value, mut acts) = match knob.effect(&self.written, &written_value) {
            Effect::Is(value) => (value, self.acts),
            Effect::Nothing(why) => (written_value, Acts::No(why)),
        };
        if let (Some(operator), Acts::Yes | Acts::Maybe(_)) = (self.only_if, &acts) {
            acts = conditional(operator, &value, there, acts);
        }
        let shown = self.shown.unwrap_or(plain);
        Writer { who: self.who, value: Some(value), shown, moment: self.moment, acts, because: self.because }
    }
}

/// Whether a write happens that is made only where it raises or lowers.
fn conditional(operator: char, value: &str, there: Option<&str>, acts: Acts) -> Acts {
    let number = |text: &str| text.trim().parse::<i128>().ok();
    let (Some(there), Some(value)) = (there.and_then(number), number(value)) else {
        return Acts::Maybe(format!("it is written only where it is {} what is there", word(operator)));
    };
    let happens = if operator == '>' { value > there } else { value < there };
    if happens {
        acts
    } else {
        Acts::No(format!("{value} is not {} the {there} that is there", word(operator)))
    }
}

fn word(operator: char) -> &'static str {
    if operator == '>' { "more than" } else { "less than" }
}
