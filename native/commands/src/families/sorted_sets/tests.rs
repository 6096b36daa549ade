//! Replies as redis-server 7.0.15 gives them, line ends as spaces.

use crate::testing::Fixture;

fn expect(fixture: &mut Fixture, cases: &[(&str, &str)]) {
    for (command, expected) in cases {
        let reply = fixture.run(command).replace("\r\n", " ");
        assert_eq!(reply.trim_end(), *expected, "{command}");
    }
}

/// In the order in which they were recorded: each depends on those before it.
const REPLIES: &[(&str, &str)] = &[
    ("ZADD z 1 a 2 b 3 c", ":3"),
    ("ZADD z CH 2 a 3 d", ":2"),
    ("ZADD z NX 9 a 9 e", ":1"),
    ("ZADD z XX CH 8 e 8 nobody", ":1"),
    ("ZADD z GT CH 1 a 5 b", ":1"),
    ("ZADD z LT 1 b", ":0"),
    ("ZADD z INCR 1.5 b", "$3 2.5"),
    ("ZADD z NX INCR 1 b", "$-1"),
    ("ZADD z XX INCR 1 nobody", "$-1"),
    ("ZADD z GT LT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"),
    ("ZADD z NX GT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"),
    ("ZADD z NX XX 1 a", "-ERR XX and NX options at the same time are not compatible"),
    ("ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair"),
    ("ZADD z 1", "-ERR wrong number of arguments for 'zadd' command"),
    ("ZADD z x a", "-ERR value is not a valid float"),
    ("ZADD z nan a", "-ERR value is not a valid float"),
    ("ZADD z 1 x 2 x 3 x", ":1"),
    ("ZINCRBY z inf x", "$3 inf"),
    ("ZINCRBY z -inf x", "-ERR resulting score is not a number (NaN)"),
    ("ZINCRBY z CH x", "-ERR syntax error"),
    (
        "ZRANGE z 0 -1 WITHSCORES",
        "*12 $1 a $1 2 $1 b $3 2.5 $1 c $1 3 $1 d $1 3 $1 e $1 8 $1 x $3 inf",
    ),
    ("ZRANGE z -2 -1", "*2 $1 e $1 x"),
    ("ZRANGE z 2 3 BYSCORE LIMIT 1 1", "*1 $1 b"),
    ("ZRANGE z (3 -inf BYSCORE REV WITHSCORES", "*4 $1 b $3 2.5 $1 a $1 2"),
    (
        "ZRANGE z 0 1 LIMIT 0 1",
        "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
    ),
    ("ZREVRANGE z 0 1 WITHSCORES", "*4 $1 x $3 inf $1 e $1 8"),
    ("ZRANGEBYSCORE z (2 +inf LIMIT 0 2", "*2 $1 b $1 c"),
    ("ZREVRANGEBYSCORE z 3 2", "*4 $1 d $1 c $1 b $1 a"),
    ("ZRANGEBYSCORE z a b", "-ERR min or max is not a float"),
    ("ZCOUNT z (2 inf", ":5"),
    ("ZRANK z c", ":2"),
    ("ZREVRANK z c", ":3"),
    ("ZRANK z nobody", "$-1"),
    ("ZSCORE z b", "$3 2.5"),
    ("ZSCORE z nobody", "$-1"),
    ("ZMSCORE z b nobody c", "*3 $3 2.5 $-1 $1 3"),
    ("ZMSCORE nokey b", "*1 $-1"),
    ("ZCARD z", ":6"),
    ("ZREM z x x nobody", ":1"),
    ("ZADD l 0 a 0 b 0 c 0 d", ":4"),
    ("ZRANGEBYLEX l [b +", "*3 $1 b $1 c $1 d"),
    ("ZRANGEBYLEX l (b (d", "*1 $1 c"),
    ("ZREVRANGEBYLEX l + - LIMIT 1 2", "*2 $1 c $1 b"),
    (
        "ZRANGE l - [c BYLEX WITHSCORES",
        "-ERR syntax error, WITHSCORES not supported in combination with BYLEX",
    ),
    ("ZRANGEBYLEX l b c", "-ERR min or max not valid string range item"),
    ("ZLEXCOUNT l - (c", ":2"),
    ("ZREMRANGEBYLEX l [b (d", ":2"),
    ("ZREMRANGEBYRANK l 1 5", ":1"),
    ("ZREMRANGEBYSCORE l -inf 0", ":1"),
    ("EXISTS l", ":0"),
    ("ZRANGESTORE s z 1 2", ":2"),
    ("ZRANGE s 0 -1 WITHSCORES", "*4 $1 b $3 2.5 $1 c $1 3"),
    ("ZRANGESTORE s z 50 60", ":0"),
    ("EXISTS s", ":0"),
    ("ZADD y 10 a 20 f", ":2"),
    ("SADD p a b f", ":3"),
    (
        "ZUNION 2 z y WITHSCORES",
        "*12 $1 b $3 2.5 $1 c $1 3 $1 d $1 3 $1 e $1 8 $1 a $2 12 $1 f $2 20",
    ),
    (
        "ZUNION 3 z y p WEIGHTS 1 2 3 AGGREGATE MAX WITHSCORES",
        "*12 $1 b $1 3 $1 c $1 3 $1 d $1 3 $1 e $1 8 $1 a $2 20 $1 f $2 40",
    ),
    ("ZINTER 2 z p WITHSCORES", "*4 $1 a $1 3 $1 b $3 3.5"),
    ("ZDIFF 2 z p WITHSCORES", "*6 $1 c $1 3 $1 d $1 3 $1 e $1 8"),
    ("ZINTERCARD 2 z p LIMIT 1", ":1"),
    ("ZUNIONSTORE u 2 y p WEIGHTS 0.5 2", ":3"),
    ("ZRANGE u 0 -1 WITHSCORES", "*6 $1 b $1 2 $1 a $1 7 $1 f $2 12"),
    ("ZINTERSTORE u 2 y nokey", ":0"),
    ("EXISTS u", ":0"),
    ("ZDIFFSTORE u 2 y z", ":1"),
    ("ZRANGE u 0 -1 WITHSCORES", "*2 $1 f $2 20"),
    ("ZUNION 0 z", "-ERR at least 1 input key is needed for 'zunion' command"),
    ("ZUNION 5 z", "-ERR syntax error"),
    ("ZUNION 1 z WEIGHTS x", "-ERR weight value is not a float"),
    ("ZPOPMIN z", "*2 $1 a $1 2"),
    ("ZPOPMIN z 2", "*4 $1 b $3 2.5 $1 c $1 3"),
    ("ZPOPMAX z 0", "*0"),
    ("ZPOPMAX nokey", "*0"),
    ("ZPOPMAX z -1", "-ERR value is out of range, must be positive"),
    ("ZMPOP 2 nokey z MAX COUNT 1", "*2 $1 z *1 *2 $1 e $1 8"),
    ("ZMPOP 1 nokey MIN", "*-1"),
    ("ZMPOP 0 z MIN", "-ERR numkeys should be greater than 0"),
    ("ZMPOP 1 z UP", "-ERR syntax error"),
    ("ZRANDMEMBER nokey", "$-1"),
    ("ZRANDMEMBER z 0", "*0"),
    ("ZRANDMEMBER z 1 WITHVALUES", "-ERR syntax error"),
    ("ZADD o -0 a", ":1"),
    ("ZSCORE o a", "$1 0"),
    ("ZADD o 1e18 b", ":1"),
    ("ZSCAN o 0", "*2 $1 0 *4 $1 a $1 0 $1 b $19 1000000000000000000"),
    ("OBJECT ENCODING o", "$8 listpack"),
    ("ZADD o -0 a-member-that-is-longer-than-sixty-four-bytes-so-that-it-is-kept-apart", ":1"),
    ("OBJECT ENCODING o", "$8 skiplist"),
    ("ZSCORE o a-member-that-is-longer-than-sixty-four-bytes-so-that-it-is-kept-apart", "$2 -0"),
    ("ZSCAN o 0 MATCH b", "*2 $1 0 *2 $1 b $5 1e+18"),
    ("ZSCAN nokey 0 NOSUCH", "*2 $1 0 *0"),
    ("ZSCAN o x", "-ERR invalid cursor"),
    ("SET str x", "+OK"),
    ("ZADD str 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
    ("ZUNION 2 z str", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
];

/// In RESP3.
const RESP3: &[(&str, &str)] = &[
    ("ZADD z 1 a 2.5 b inf c", ":3"),
    ("ZRANGE z 0 -1 WITHSCORES", "*3 *2 $1 a ,1 *2 $1 b ,2.5 *2 $1 c ,inf"),
    ("ZPOPMIN z", "*2 $1 a ,1"),
    ("ZPOPMAX z 1", "*1 *2 $1 c ,inf"),
    ("ZMSCORE z b nobody", "*2 ,2.5 _"),
    ("ZMPOP 1 z MIN COUNT 2", "*2 $1 z *1 *2 $1 b ,2.5"),
    ("ZADD z INCR 3 a", ",3"),
    ("ZRANK z nobody", "_"),
    ("ZUNION 1 z WITHSCORES", "*1 *2 $1 a ,3"),
];

#[test]
fn replies() {
    expect(&mut Fixture::asynchronous(), REPLIES);
}

#[test]
fn replies_in_resp3() {
    let mut fixture = Fixture::asynchronous();
    fixture.run("HELLO 3");
    expect(&mut fixture, RESP3);
}

#[test]
fn ranks_with_scores() {
    let cases = [
        ("ZADD z 1 a 2.5 b", ":2"),
        ("ZRANK z b WITHSCORE", "*2 :1 $3 2.5"),
        ("ZREVRANK z b withscore", "*2 :0 $3 2.5"),
        ("ZRANK z nobody WITHSCORE", "*-1"),
        ("ZRANK nokey a", "$-1"),
        ("ZRANK z b WITHSCORES", "-ERR syntax error"),
        ("ZRANK z b WITHSCORE x", "-ERR wrong number of arguments for 'zrank' command"),
    ];
    expect(&mut Fixture::asynchronous(), &cases);
}

/// The commands meet all forms of a set: it grows from a few bytes to a tree of some levels, and
/// shrinks again.
#[test]
fn sets_of_every_size_answer_alike() {
    let mut fixture = Fixture::asynchronous();
    let mut len = 0;
    for size in [5, 40, 120, 400, 3000, 900, 130, 30, 1] {
        while len < size {
            assert_eq!(fixture.run(&format!("ZADD z {len} member:{len}")), ":1\r\n");
            len += 1;
        }
        if len > size {
            let removed = format!(":{}\r\n", len - size);
            assert_eq!(fixture.run(&format!("ZREMRANGEBYRANK z {size} -1")), removed);
            len = size;
        }
        let last = size - 1;
        let text = |number: usize| format!("${} {number}", number.to_string().len());
        let name = format!("member:{last}");
        let member = format!("${} {name}", name.len());
        let cases = [
            ("ZCARD z".to_owned(), format!(":{size}")),
            (format!("ZSCORE z member:{last}"), text(last)),
            (format!("ZRANK z member:{last}"), format!(":{last}")),
            (format!("ZREVRANK z member:{last}"), ":0".to_owned()),
            (format!("ZCOUNT z {last} inf"), ":1".to_owned()),
            (format!("ZRANGE z {last} -1"), format!("*1 {member}")),
            (format!("ZRANGEBYSCORE z ({} inf", last as i64 - 1), format!("*1 {member}")),
            ("ZREVRANGE z 0 0 WITHSCORES".to_owned(), format!("*2 {member} {}", text(last))),
            (format!("ZADD z CH {last} member:{last}"), ":0".to_owned()),
        ];
        for (command, expected) in &cases {
            expect(&mut fixture, &[(command, expected)]);
        }
    }
}
