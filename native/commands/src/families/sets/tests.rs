use std::collections::{BTreeMap, BTreeSet};

use crate::testing::Fixture;

/// The bulk strings of a reply.
fn bulks(reply: &str) -> Vec<String> {
    let lines: Vec<&str> = reply.split("\r\n").collect();
    let pairs = lines.windows(2).filter(|pair| pair[0].starts_with('$') && pair[0] != "$-1");
    pairs.map(|pair| pair[1].to_owned()).collect()
}

fn fill(fixture: &mut Fixture, key: &str, members: impl Iterator<Item = String>) {
    let members: Vec<String> = members.collect();
    for piece in members.chunks(500) {
        fixture.run(&format!("SADD {key} {}", piece.join(" ")));
    }
}

#[test]
fn members_are_popped_until_none_is_left() {
    let mut fixture = Fixture::asynchronous();
    for (name, len) in [("numbers", 700), ("m", 30), ("m", 1500)] {
        let prefix = if name == "m" { "m" } else { "" };
        fill(&mut fixture, "s", (0..len).map(|n| format!("{prefix}{n}")));
        let mut popped = BTreeSet::new();
        for count in [0, 1, len / 10, len / 2] {
            let found = bulks(&fixture.run(&format!("SPOP s {count}")));
            assert_eq!(found.len(), count);
            popped.extend(found);
        }
        popped.extend(bulks(&fixture.run("SPOP s")));
        let left = len - popped.len();
        assert_eq!(fixture.run("SCARD s"), format!(":{left}\r\n"));
        // Nearly all: the set is made anew from the few that are left.
        let found = bulks(&fixture.run(&format!("SPOP s {}", left - 3)));
        assert_eq!(found.len(), left - 3);
        popped.extend(found);
        let rest = bulks(&fixture.run("SMEMBERS s"));
        assert!(rest.len() == 3 && rest.iter().all(|member| !popped.contains(member)));
        popped.extend(bulks(&fixture.run("SPOP s 100")));
        assert_eq!(popped.len(), len);
        assert_eq!(fixture.run("EXISTS s"), ":0\r\n");
    }
}

#[test]
fn a_set_that_is_made_anew_may_be_one_of_integers_again() {
    let mut fixture = Fixture::asynchronous();
    // With one text among 20 members, the last three are most often integers.
    let encodings: BTreeSet<String> = (0..40)
        .map(|_| {
            fill(&mut fixture, "s", (0..19).map(|n| n.to_string()).chain(["x".to_owned()]));
            fixture.run("SPOP s 17");
            let encoding = fixture.run("OBJECT ENCODING s");
            let has_text = bulks(&fixture.run("SMEMBERS s")).contains(&"x".to_owned());
            assert_eq!(encoding.contains("hashtable"), has_text);
            fixture.run("DEL s");
            encoding
        })
        .collect();
    assert!(encodings.contains("$6\r\nintset\r\n"), "{encodings:?}");
}

#[test]
fn random_members_are_even() {
    let mut fixture = Fixture::asynchronous();
    for len in [40usize, 400] {
        fill(&mut fixture, "s", (0..len).map(|n| format!("m{n}")));
        for command in ["SRANDMEMBER s -100", "SRANDMEMBER s 20", "SRANDMEMBER s 30"] {
            let mut counts = BTreeMap::new();
            for _ in 0..len * 5 {
                for member in bulks(&fixture.run(command)) {
                    *counts.entry(member).or_insert(0u32) += 1;
                }
            }
            let total: u32 = counts.values().sum();
            let mean = f64::from(total) / len as f64;
            assert_eq!(counts.len(), len, "{command}");
            let even = counts.values().all(|&n| (f64::from(n) - mean).abs() < 6.0 * mean.sqrt());
            assert!(even, "{command}: {counts:?}");
        }
        fixture.run("DEL s");
    }
}

#[test]
fn large_sets_are_combined_piece_by_piece() {
    let mut fixture = Fixture::asynchronous();
    let member = |n: usize| format!("member:{n}");
    fill(&mut fixture, "twos", (0..6000).step_by(2).map(member));
    fill(&mut fixture, "threes", (0..6000).step_by(3).map(member));
    let expected = |wanted: fn(usize) -> bool| -> BTreeSet<String> {
        (0..6000).filter(|n| wanted(*n)).map(member).collect()
    };
    let run = |fixture: &mut Fixture, command: &str| -> BTreeSet<String> {
        let found = bulks(&fixture.run(command));
        let set: BTreeSet<String> = found.iter().cloned().collect();
        assert_eq!(set.len(), found.len(), "{command}");
        set
    };
    assert_eq!(run(&mut fixture, "SINTER twos threes"), expected(|n| n % 6 == 0));
    assert_eq!(run(&mut fixture, "SUNION twos threes"), expected(|n| n % 2 == 0 || n % 3 == 0));
    assert_eq!(run(&mut fixture, "SDIFF threes twos"), expected(|n| n % 3 == 0 && n % 2 != 0));
    assert_eq!(fixture.run("SINTERCARD 2 twos threes"), ":1000\r\n");
    assert_eq!(fixture.run("SINTERCARD 2 twos threes LIMIT 7"), ":7\r\n");
    for (command, wanted) in [
        ("SINTERSTORE to twos threes", (|n| n % 6 == 0) as fn(usize) -> bool),
        ("SUNIONSTORE to twos threes", |n| n % 2 == 0 || n % 3 == 0),
        ("SDIFFSTORE to threes twos", |n| n % 3 == 0 && n % 2 != 0),
        // More to look up than to remove: the other way.
        ("SDIFFSTORE to twos threes nosuch", |n| n % 2 == 0 && n % 3 != 0),
    ] {
        fixture.run(command);
        assert_eq!(run(&mut fixture, "SMEMBERS to"), expected(wanted), "{command}");
    }
    assert_eq!(fixture.run("SDIFFSTORE twos twos twos"), ":0\r\n");
    assert_eq!(fixture.run("EXISTS twos"), ":0\r\n");
}

#[test]
fn a_scan_sees_all_members_that_stay() {
    let mut fixture = Fixture::asynchronous();
    fill(&mut fixture, "s", (0..2000).map(|n| format!("m{n}")));
    let (mut cursor, mut seen, mut calls) = ("0".to_owned(), BTreeSet::new(), 0);
    loop {
        let mut found = bulks(&fixture.run(&format!("SSCAN s {cursor} COUNT 50")));
        cursor = found.remove(0);
        seen.extend(found);
        if cursor == "0" {
            break;
        }
        fixture.run(&format!("SADD s new{calls} other{calls}"));
        fixture.run(&format!("SREM s m{}", 1999 - calls));
        calls += 1;
    }
    assert!((10..100).contains(&calls), "{calls}");
    assert!((0..1900).all(|n| seen.contains(&format!("m{n}"))));
}
