//! Keys of every type and size for a redis-server.

use super::Dice;
use super::redis::Redis;

/// Fills a server; the names of the keys.
pub fn fill(redis: &Redis, dice: &mut Dice) -> Vec<String> {
    let mut keys = Vec::new();
    for round in 0..12 {
        // Few and many, short and long.
        let count = [1, 3, 40, 200, 700][round % 5];
        let longest = [10, 60, 500][round % 3];
        for (kind, add) in [
            ("string", string as fn(&Redis, &str, &mut Dice, usize, usize)),
            ("list", list),
            ("set", set),
            ("intset", intset),
            ("hash", hash),
            ("zset", sorted_set),
            ("stream", stream),
        ] {
            let key = format!("{kind}:{round}");
            add(redis, &key, dice, count, longest);
            keys.push(key);
        }
    }
    keys
}

fn string(redis: &Redis, key: &str, dice: &mut Dice, count: usize, longest: usize) {
    redis.call(&[b"SET", key.as_bytes(), &dice.text(longest * count)]);
}

fn list(redis: &Redis, key: &str, dice: &mut Dice, count: usize, longest: usize) {
    for _ in 0..count {
        redis.call(&[b"RPUSH", key.as_bytes(), &dice.text(longest)]);
    }
}

fn set(redis: &Redis, key: &str, dice: &mut Dice, count: usize, longest: usize) {
    for _ in 0..count {
        redis.call(&[b"SADD", key.as_bytes(), &dice.text(longest)]);
    }
}

fn intset(redis: &Redis, key: &str, dice: &mut Dice, count: usize, longest: usize) {
    for _ in 0..count {
        let member = (dice.roll() as i64 >> (64 - longest.min(60) as i64)).to_string();
        redis.call(&["SADD", key, &member]);
    }
}

fn hash(redis: &Redis, key: &str, dice: &mut Dice, count: usize, longest: usize) {
    for _ in 0..count {
        redis.call(&[b"HSET", key.as_bytes(), &dice.text(longest), &dice.text(longest)]);
    }
}

fn sorted_set(redis: &Redis, key: &str, dice: &mut Dice, count: usize, longest: usize) {
    for _ in 0..count {
        let number = dice.roll() as i64;
        let score = match dice.below(8) {
            0 => "inf".to_owned(),
            1 => "-inf".to_owned(),
            2 | 3 => (number >> dice.below(64)).to_string(),
            4 => f64::from_bits(number as u64 & !(1 << 62)).to_string(),
            // These have few digits in the decimal system.
            _ => (f64::from(number as i16) / 4.0).to_string(),
        };
        redis.call(&[b"ZADD", key.as_bytes(), score.as_bytes(), &dice.text(longest)]);
    }
}

fn stream(redis: &Redis, key: &str, dice: &mut Dice, count: usize, longest: usize) {
    let mut ms = 1000;
    redis.run(&format!("XGROUP CREATE {key} early 0 MKSTREAM"));
    for at in 0..count {
        ms += dice.below(3) as u64;
        let id = format!("{ms}-{}", at + 1);
        let mut words = vec![b"XADD".to_vec(), key.into(), id.into_bytes()];
        for field in 0..1 + dice.below(3) {
            words.extend([format!("field{field}").into_bytes(), dice.text(longest)]);
        }
        redis.call(&words);
    }
    redis.run(&format!("XGROUP CREATE {key} late $"));
    for consumer in ["one", "two", "three"] {
        let take = 1 + dice.below(count);
        redis.run(&format!("XREADGROUP GROUP early {consumer} COUNT {take} STREAMS {key} >"));
    }
    redis.run(&format!("XGROUP CREATECONSUMER {key} late idle"));
}
