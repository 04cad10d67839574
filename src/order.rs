//! Putting things in order by a number, or by a name and then a number.
//!
//! The standard sort is compiled anew for each type that it orders, at some 5 KB of a binary that is read
//! from a cold disk at boot. Here the keys are sorted, which are always of one type, and the things follow.

/// By number; what is equal stays in its order.
pub fn by_number<T>(items: Vec<T>, number: impl Fn(&T) -> u64) -> Vec<T> {
    by_name(items, |item| (String::new(), number(item)))
}

/// By name, then by number; what is equal stays in its order.
pub fn by_name<T>(items: Vec<T>, key: impl Fn(&T) -> (String, u64)) -> Vec<T> {
    let keys = items.iter().map(key).collect();
    let mut left: Vec<Option<T>> = items.into_iter().map(Some).collect();
    let place = |at: usize| left.get_mut(at).and_then(Option::take);
    places(keys).into_iter().filter_map(place).collect()
}

/// The place of each key, the smallest key first.
fn places(keys: Vec<(String, u64)>) -> Vec<usize> {
    let mut keys: Vec<((String, u64), usize)> = keys.into_iter().zip(0..).collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn it_is_the_standard_order(items in proptest::collection::vec(("[a-c]{0,2}", 0_u64..4), 0..30)) {
            let mut sorted: Vec<(usize, &(String, u64))> = items.iter().enumerate().collect();
            sorted.sort_by_key(|(_, item)| (*item).clone());
            let told = by_name(items.iter().enumerate().collect(), |(_, item)| (*item).clone());
            proptest::prop_assert_eq!(&told, &sorted);
            sorted.sort_by_key(|(at, item)| (item.1, *at));
            let told = by_number(items.iter().enumerate().collect(), |(_, item)| item.1);
            proptest::prop_assert_eq!(told, sorted);
        }
    }
}
