//! Things in order by a number, or by a name and then a number, and things by their names.
//!
//! The standard sort and the standard map are compiled anew for each type that they hold, at some 5 KB of a
//! binary that is read from a cold disk at boot. Here the keys are sorted, or mapped to numbers, which are
//! always of one type, and the things follow.

use std::collections::{BTreeMap, BTreeSet};

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

/// A set of these things. `collect` would sort them first, by code that is compiled anew for each type.
pub fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// Things by their names, in the order of the names: what `BTreeMap<String, V>` is.
#[derive(Clone)]
pub struct Named<V> {
    places: BTreeMap<String, usize>,
    things: Vec<V>,
}

impl<V> Named<V> {
    /// None yet.
    pub fn new() -> Self {
        Self { places: BTreeMap::new(), things: Vec::new() }
    }

    /// The thing of this name.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.things.get(*self.places.get(name)?)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        self.things.get_mut(*self.places.get(name)?)
    }

    /// Whether there is one of this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// Gives a name another thing, and gives back the one that it had.
    pub fn insert(&mut self, name: String, thing: V) -> Option<V> {
        if let Some(there) = self.get_mut(&name) {
            return Some(std::mem::replace(there, thing));
        }
        self.places.insert(name, self.things.len());
        self.things.push(thing);
        None
    }

    /// The thing of this name, made where there is none.
    pub fn or_insert_with(&mut self, name: String, make: impl FnOnce() -> V) -> &mut V {
        let at = *self.places.entry(name).or_insert(self.things.len());
        if at == self.things.len() {
            self.things.push(make());
        }
        self.things.get_mut(at).unwrap_or_else(|| unreachable!("every place has its thing"))
    }

    /// Takes the thing of this name out.
    pub fn remove(&mut self, name: &str) -> Option<V> {
        let at = self.places.remove(name)?;
        let thing = self.things.swap_remove(at);
        let moved = self.things.len();
        if let Some(place) = self.places.values_mut().find(|place| **place == moved) {
            *place = at;
        }
        Some(thing)
    }

    /// Keeps those whose name is wanted.
    pub fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        let kept = std::mem::take(self).into_iter().filter(|(name, _)| wanted(name));
        *self = kept.collect();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.things.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// The names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &String> + Clone {
        self.places.keys()
    }

    /// The things, in the order of their names.
    pub fn values(&self) -> impl Iterator<Item = &V> + Clone {
        self.places.values().filter_map(|at| self.things.get(*at))
    }

    /// The things, in no order, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.things.iter_mut()
    }

    /// Each name with its thing, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &V)> + Clone {
        self.places.iter().filter_map(|(name, at)| Some((name, self.things.get(*at)?)))
    }

    /// The things, in the order of their names, to keep.
    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.into_iter().map(|(_, thing)| thing)
    }
}

impl<V> Default for Named<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: PartialEq> PartialEq for Named<V> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<V: Eq> Eq for Named<V> {}

impl<V: std::fmt::Debug> std::fmt::Debug for Named<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<V> Extend<(String, V)> for Named<V> {
    fn extend<I: IntoIterator<Item = (String, V)>>(&mut self, things: I) {
        for (name, thing) in things {
            self.insert(name, thing);
        }
    }
}

impl<V> FromIterator<(String, V)> for Named<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(things: I) -> Self {
        let mut named = Self::new();
        named.extend(things);
        named
    }
}

impl<V, const N: usize> From<[(String, V); N]> for Named<V> {
    fn from(things: [(String, V); N]) -> Self {
        things.into_iter().collect()
    }
}

impl<V> IntoIterator for Named<V> {
    type Item = (String, V);
    type IntoIter = std::vec::IntoIter<(String, V)>;

    fn into_iter(self) -> Self::IntoIter {
        let mut things: Vec<Option<V>> = self.things.into_iter().map(Some).collect();
        let mut take = |at: usize| things.get_mut(at).and_then(Option::take);
        let taken = self.places.into_iter().filter_map(|(name, at)| Some((name, take(at)?)));
        taken.collect::<Vec<_>>().into_iter()
    }
}

#[cfg(test)]
impl<V, Q: AsRef<str> + ?Sized> std::ops::Index<&Q> for Named<V> {
    type Output = V;

    fn index(&self, name: &Q) -> &V {
        self.get(name.as_ref()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn it_is_the_standard_map(items in proptest::collection::vec(("[a-c]{0,2}", 0_u64..4), 0..30)) {
            let map: BTreeMap<String, u64> = items.iter().cloned().collect();
            let mut named = Named::new();
            let mut first = BTreeMap::new();
            for (name, number) in &items {
                proptest::prop_assert_eq!(named.insert(name.clone(), *number), first.insert(name.clone(), *number));
            }
            proptest::prop_assert!(named.iter().eq(&map) && named.values().eq(map.values()));
            proptest::prop_assert!(named.keys().eq(map.keys()) && named.len() == map.len());
            for name in ["", "a", "cb"] {
                proptest::prop_assert_eq!(named.get(name), map.get(name));
                proptest::prop_assert_eq!(named.contains_key(name), map.contains_key(name));
            }
            let mut fewer = named.clone();
            let mut left = map.clone();
            for name in ["", "a", "b", "cc", "z"] {
                proptest::prop_assert_eq!(fewer.remove(name), left.remove(name));
                proptest::prop_assert!(fewer.iter().eq(&left));
            }
            fewer.retain(|name| name.ends_with('a'));
            left.retain(|name, _| name.ends_with('a'));
            proptest::prop_assert!(fewer.iter().eq(&left));
            let backwards: Named<u64> = map.clone().into_iter().rev().collect();
            proptest::prop_assert_eq!(&backwards, &named);
            *named.or_insert_with("cc".to_owned(), || 7) += 1;
            let mut map = map;
            *map.entry("cc".to_owned()).or_insert(7) += 1;
            proptest::prop_assert!(named.clone().into_iter().eq(map.clone()));
            proptest::prop_assert!(named.into_values().eq(map.into_values()));
        }

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
