//! The examples of Redis Stack's documentation and of its own tests.

use crate::testing::{Fixture, encode};

/// Runs commands; replies are shown with spaces instead of line ends.
fn expect(cases: &[(&str, &str)]) {
    let mut fixture = Fixture::asynchronous();
    for (command, reply) in cases {
        assert_eq!(fixture.run(command).replace("\r\n", " ").trim_end(), *reply, "{command}");
    }
}

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

#[test]
fn bloom_filters() {
    expect(&[
        ("BF.ADD bf1 observation1", ":1"),
        ("TYPE bf1", "+MBbloom--"),
        ("OBJECT ENCODING bf1", "$3 raw"),
        (
            "BF.INFO bf1",
            "*10 +Capacity :100 +Size :240 +Number of filters :1 +Number of items inserted :1 \
             +Expansion rate :2",
        ),
        ("BF.INFO bf1 capacity", "*1 :100"),
        ("BF.INFO bf1 wrong", "-Invalid information value"),
        ("BF.INFO bf1 items size", "-ERR wrong number of arguments for 'bf.info' command"),
        ("BF.INFO none", "-ERR not found"),
        ("BF.MADD bf1 observation1 b c b", "*4 :0 :1 :1 :0"),
        ("BF.MEXISTS bf1 b nothing", "*2 :1 :0"),
        ("BF.MEXISTS none b nothing", "*2 :0 :0"),
        ("BF.EXISTS bf1 c", ":1"),
        ("BF.CARD bf1", ":3"),
        ("BF.CARD none", ":0"),
        ("BF.RESERVE fixed 0.01 3 NONSCALING", "+OK"),
        ("BF.MADD fixed a b c d e", "*4 :1 :1 :1 -ERR non scaling filter is full"),
        ("BF.ADD fixed d", "-ERR non scaling filter is full"),
        (
            "BF.INFO fixed",
            "*10 +Capacity :3 +Size :104 +Number of filters :1 +Number of items inserted :3 \
             +Expansion rate $-1",
        ),
        ("BF.RESERVE bf1 0.01 3", "-ERR item exists"),
        ("BF.RESERVE x blah 3", "-ERR bad error rate"),
        ("BF.RESERVE x 1 3", "-ERR (0 < error rate range < 1)"),
        ("BF.RESERVE x 0.1 blah", "-ERR bad capacity"),
        ("BF.RESERVE x 0.1 0", "-ERR (capacity should be larger than 0)"),
        ("BF.RESERVE x 0.1 5 EXPANSION", "-ERR no expansion"),
        ("BF.RESERVE x 0.1 5 EXPANSION y", "-ERR bad expansion"),
        ("BF.RESERVE x 0.1 5 EXPANSION 0", "-ERR expansion should be greater or equal to 1"),
        ("BF.RESERVE x 0.1 5 NONSCALING EXPANSION 2", "-Nonscaling filters cannot expand"),
        ("BF.RESERVE x 0.01 9223372036854775807", "-ERR could not create filter"),
        ("BF.INSERT x NOCREATE ITEMS a", "-ERR not found"),
        ("BF.INSERT x ITEMS", "-ERR wrong number of arguments for 'bf.insert' command"),
        ("BF.INSERT x WHAT ITEMS a", "-Unknown argument received"),
        ("BF.INSERT x CAPACITY 0.3 ITEMS a", "-Bad capacity"),
        ("BF.INSERT x ERROR big ITEMS a", "-Bad error rate"),
        ("BF.INSERT x EXPANSION 0 ITEMS a", "-Bad expansion"),
        ("BF.INSERT x ERROR 0.001 CAPACITY 50000 EXPANSION 2 ITEMS foo", "*1 :1"),
        ("BF.INFO x SIZE", "*1 :98976"),
        ("SET s x", "+OK"),
        ("BF.ADD s a", WRONG_TYPE),
        ("BF.EXISTS s a", ":0"),
        ("BF.CARD s", WRONG_TYPE),
        ("BF.RESERVE s 0.1 5", WRONG_TYPE),
        ("BF.SCANDUMP none 0", "-ERR not found"),
        ("BF.SCANDUMP x a", "-Second argument must be numeric"),
        ("BF.SCANDUMP x -5", "*2 :0 $0"),
        ("BF.LOADCHUNK none 2 a", "-ERR not found"),
        ("BF.LOADCHUNK none 1 a", "-ERR received bad data"),
        ("BF.LOADCHUNK x a a", "-ERR Second argument must be numeric"),
        ("BF.LOADCHUNK x 999999 abcd", "-ERR invalid offset - no link found"),
        (
            "HELLO 3",
            "%7 $6 server $5 redis $7 version $5 7.2.4 $5 proto :3 $2 id :1 $4 mode $10 \
                     standalone $4 role $6 master $7 modules *0",
        ),
        ("BF.ADD bf1 new", "#t"),
        ("BF.MEXISTS bf1 b nothing", "*2 #t #f"),
        ("BF.INFO bf1 ITEMS", "%1 +Number of items inserted :4"),
        ("BF.INFO fixed EXPANSION", "%1 +Expansion rate _"),
    ]);
}

#[test]
fn cuckoo_filters() {
    expect(&[
        ("CF.RESERVE a 1000", "+OK"),
        (
            "CF.INFO a",
            "*16 +Size :1080 +Number of buckets :512 +Number of filters :1 +Number of items \
             inserted :0 +Number of items deleted :0 +Bucket size :2 +Expansion rate :1 +Max \
             iterations :20",
        ),
        ("TYPE a", "+MBbloomCF"),
        ("CF.ADD a k1", ":1"),
        ("CF.ADD a k1", ":1"),
        ("CF.ADDNX a k1", ":0"),
        ("CF.COUNT a k1", ":2"),
        ("CF.DEL a k1", ":1"),
        ("CF.DEL a k1", ":1"),
        ("CF.DEL a k1", ":0"),
        ("CF.DEL none k1", "-Not found"),
        ("CF.EXISTS a k1", ":0"),
        ("CF.EXISTS none k1", ":0"),
        ("CF.INSERT f1 ITEMS foo bar baz", "*3 :1 :1 :1"),
        ("CF.INSERTNX f1 ITEMS foo new", "*2 :0 :1"),
        ("CF.MEXISTS f1 foo nothing", "*2 :1 :0"),
        ("CF.RESERVE full 4 EXPANSION 0", "+OK"),
        ("CF.INSERT full ITEMS 1 2 3 4 5 6", "*6 :1 :1 :1 :1 :-1 :-1"),
        ("CF.ADD full 5", "-Filter is full"),
        ("CF.RESERVE a 1000", "-ERR item exists"),
        ("CF.RESERVE x y", "-Bad capacity"),
        ("CF.RESERVE x 1", "-Capacity must be at least (BucketSize * 2)"),
        ("CF.RESERVE x 10 EXPANSION", "-ERR wrong number of arguments for 'cf.reserve' command"),
        ("CF.RESERVE x 10 EXPANSION y", "-Couldn't parse EXPANSION"),
        ("CF.RESERVE x 10 BUCKETSIZE 0", "-BUCKETSIZE: value must be in the range [1, 255]"),
        (
            "CF.RESERVE x 10 MAXITERATIONS -1",
            "-MAXITERATIONS: value must be in the range [1, 65535]",
        ),
        ("CF.RESERVE x 9223372036854775807", "-ERR Could not create filter"),
        ("CF.INSERT x NOCREATE ITEMS a", "-ERR not found"),
        ("CF.INSERT x CAPACITY 3 ITEMS a", "-Capacity must be at least (BucketSize * 2)"),
        ("CF.INSERT x WHAT ITEMS a", "-Unknown argument received"),
        ("CF.INSERT x CAPACITY 30", "-ERR wrong number of arguments for 'cf.insert' command"),
        ("CF.INFO none", "-ERR not found"),
        ("SET s x", "+OK"),
        ("CF.ADD s a", WRONG_TYPE),
        ("CF.EXISTS s a", ":0"),
        ("CF.DEL s a", "-Not found"),
        ("CF.SCANDUMP a 0", "*2 :0 $-1"),
        ("CF.SCANDUMP f1 -1", "-Invalid position"),
        ("CF.LOADCHUNK f1 1 x", "-ERR item exists"),
        ("CF.LOADCHUNK f1 4 abcd", "-Couldn't load chunk!"),
        ("CF.LOADCHUNK none 1 x", "-Invalid header"),
        ("CF.LOADCHUNK none 2 x", "-ERR not found"),
    ]);
}

#[test]
fn filters_are_copied_in_pieces() {
    let mut fixture = Fixture::asynchronous();
    for (add, dump, load, exists) in [
        ("BF.ADD", "BF.SCANDUMP", "BF.LOADCHUNK", "BF.EXISTS"),
        ("CF.ADD", "CF.SCANDUMP", "CF.LOADCHUNK", "CF.EXISTS"),
    ] {
        fixture.run("FLUSHALL");
        for number in 0..2000 {
            // A few look as if they were there already.
            assert!(fixture.run(&format!("{add} from {number}")).starts_with(':'));
        }
        let mut position = b"0".to_vec();
        loop {
            let (reply, _) = fixture.feed(&encode(&[dump.as_bytes(), b"from", &position]));
            let (next, part) = parse_part(&reply);
            if next == b"0" {
                break;
            }
            let (reply, _) = fixture.feed(&encode(&[load.as_bytes(), b"to", &next, &part]));
            assert_eq!(reply, b"+OK\r\n");
            position = next;
        }
        for number in 0..2000 {
            assert_eq!(fixture.run(&format!("{exists} to {number}")), ":1\r\n");
        }
    }
}

/// The number and the bytes of a SCANDUMP's reply.
fn parse_part(reply: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut lines = reply.splitn(4, |byte| *byte == b'\n');
    let (_, next) = (lines.next(), lines.next().expect("a number"));
    let next = next[1..next.len() - 1].to_vec();
    let rest = lines.nth(1).unwrap_or_default();
    (next, rest.strip_suffix(b"\r\n").unwrap_or_default().to_vec())
}

#[test]
fn count_min_sketches() {
    expect(&[
        ("CMS.INITBYDIM cms1 20 5", "+OK"),
        ("CMS.INCRBY cms1 a 5", "*1 :5"),
        ("CMS.QUERY cms1 a nothing", "*2 :5 :0"),
        ("CMS.INFO cms1", "*6 +width :20 +depth :5 +count :5"),
        ("TYPE cms1", "+CMSk-TYPE"),
        ("CMS.INITBYPROB cms2 0.001 0.01", "+OK"),
        ("CMS.INFO cms2", "*6 +width :2000 +depth :7 +count :0"),
        ("CMS.INITBYDIM cms1 x y", "-CMS: key already exists"),
        ("CMS.INITBYDIM x 0 5", "-CMS: invalid width"),
        ("CMS.INITBYDIM x 5 0", "-CMS: invalid depth"),
        ("CMS.INITBYDIM x 8589934592 8589934592", "-CMS: invalid init arguments"),
        ("CMS.INITBYPROB x 1000 0.1", "-CMS: invalid overestimation value"),
        ("CMS.INITBYPROB x 0.1 0", "-CMS: invalid prob value"),
        ("CMS.INITBYPROB x 0.9 0.9999999999999999", "-CMS: invalid init arguments"),
        ("CMS.INITBYPROB x 0.0000000000000000001 0.9", "-CMS: invalid init arguments"),
        ("CMS.INCRBY none a 5", "-CMS: key does not exist"),
        ("CMS.INCRBY cms1 a x", "-CMS: Cannot parse number"),
        ("CMS.INCRBY cms1 b 1 a -1", "-CMS: Number cannot be negative"),
        ("CMS.INCRBY cms1 a 1 b", "-ERR wrong number of arguments for 'cms.incrby' command"),
        ("CMS.QUERY cms1 b", "*1 :0"),
        ("CMS.INCRBY cms1 b 4294967290 b 10", "*2 :4294967290 -CMS: INCRBY overflow"),
        ("CMS.INITBYDIM one 1000 5", "+OK"),
        ("CMS.INITBYDIM two 1000 5", "+OK"),
        ("CMS.INITBYDIM sum 1000 5", "+OK"),
        ("CMS.INCRBY one a 5 b 5 c 5", "*3 :5 :5 :5"),
        ("CMS.INCRBY two a 2 b 3 c 1", "*3 :2 :3 :1"),
        ("CMS.MERGE sum 2 one two", "+OK"),
        ("CMS.QUERY sum a b c", "*3 :7 :8 :6"),
        ("CMS.MERGE sum 2 one two WEIGHTS 1 2", "+OK"),
        ("CMS.QUERY sum a b c", "*3 :9 :11 :7"),
        ("CMS.MERGE sum 2 sum two WEIGHTS 1 -2", "+OK"),
        ("CMS.QUERY sum a b c", "*3 :5 :5 :5"),
        ("CMS.INFO sum", "*6 +width :1000 +depth :5 +count :15"),
        ("CMS.MERGE sum 1 two WEIGHTS -1", "-CMS: MERGE overflow"),
        ("CMS.MERGE sum 1 cms1", "-CMS: width/depth is not equal"),
        ("CMS.MERGE sum 2 one", "-CMS: wrong number of keys"),
        ("CMS.MERGE sum x one", "-CMS: invalid numkeys"),
        ("CMS.MERGE sum 0 one", "-CMS: Number of keys must be positive"),
        ("CMS.MERGE sum 1 one WEIGHTS x", "-CMS: invalid weight value"),
        ("CMS.MERGE sum 1 one WEIGHTS 1 2", "-CMS: wrong number of keys/weights"),
        ("CMS.MERGE sum 1 none", "-CMS: key does not exist"),
        ("CMS.MERGE none 1 one", "-CMS: key does not exist"),
        ("SET s x", "+OK"),
        ("CMS.INFO s", WRONG_TYPE),
    ]);
}

#[test]
fn top_ks() {
    let bad = "-TopK: increment must be an integer greater or equal to 0 and smaller or equal to \
               100,000";
    expect(&[
        ("TOPK.RESERVE topk 3 10 3 1", "+OK"),
        ("TYPE topk", "+TopK-TYPE"),
        ("TOPK.INCRBY topk bar 3 baz 6 42 2", "*3 $-1 $-1 $-1"),
        ("TOPK.INCRBY topk 42 8 xyzzy 4", "*2 $-1 $3 bar"),
        ("TOPK.COUNT topk bar baz 42 xyzzy 4", "*5 :3 :6 :10 :4 :0"),
        ("TOPK.QUERY topk 42 nonexist", "*2 :1 :0"),
        ("TOPK.LIST topk", "*3 $2 42 $3 baz $5 xyzzy"),
        ("TOPK.LIST topk WITHCOUNT", "*6 $2 42 :10 $3 baz :6 $5 xyzzy :4"),
        ("TOPK.INFO topk", "*8 +k :3 +width :10 +depth :3 +decay $1 1"),
        ("TOPK.INCRBY topk foo -5 42 1", &format!("*2 {bad} $-1")),
        ("TOPK.INCRBY topk foo 123456", &format!("*1 {bad}")),
        ("TOPK.LIST topk x", "-WITHCOUNT keyword expected"),
        ("TOPK.RESERVE topk x", "-TopK: key already exists"),
        ("TOPK.RESERVE x 0", "-TopK: invalid k"),
        ("TOPK.RESERVE x 20 bar 5 0.9", "-TopK: invalid width"),
        ("TOPK.RESERVE x 20 5 bar 0.9", "-TopK: invalid depth"),
        ("TOPK.RESERVE x 20 5 5 42", "-TopK: invalid decay value. must be '<= 1' & '> 0'"),
        ("TOPK.RESERVE x 20 5", "-ERR wrong number of arguments for 'topk.reserve' command"),
        (
            "TOPK.RESERVE x 20 4294967295 4294967295 0.9",
            "-ERR Insufficient memory to create topk data structure",
        ),
        ("TOPK.ADD none a", "-TopK: key does not exist"),
        ("SET s x", "+OK"),
        ("TOPK.ADD s a", WRONG_TYPE),
        ("TOPK.RESERVE usual 3", "+OK"),
        ("TOPK.ADD usual foo", "*1 $-1"),
        ("TOPK.INFO usual", "*8 +k :3 +width :8 +depth :7 +decay $19 0.90000000000000002"),
    ]);
}

#[test]
fn t_digests() {
    expect(&[
        ("TDIGEST.CREATE t COMPRESSION 1000", "+OK"),
        ("TYPE t", "+TDIS-TYPE"),
        ("TDIGEST.MIN t", "$3 nan"),
        ("TDIGEST.QUANTILE t 0.5", "*1 $3 nan"),
        ("TDIGEST.RANK t 1 2", "*2 :-2 :-2"),
        ("TDIGEST.ADD t 1 2 2 3 3 3 4 4 4 4 5 5 5 5 5", "+OK"),
        ("TDIGEST.MIN t", "$1 1"),
        ("TDIGEST.MAX t", "$1 5"),
        ("TDIGEST.RANK t 0 1 2 3 4 5 6", "*7 :-1 :0 :2 :4 :8 :12 :15"),
        ("TDIGEST.REVRANK t 0 1 2 3 4 5 6", "*7 :15 :14 :13 :10 :7 :2 :-1"),
        (
            "TDIGEST.BYRANK t 0 1 2 3 5 6 9 10 14 15",
            "*10 $1 1 $1 2 $1 2 $1 3 $1 3 $1 4 $1 4 $1 5 $1 5 $3 inf",
        ),
        ("TDIGEST.BYREVRANK t 0 4 5 14 15", "*5 $1 5 $1 5 $1 4 $1 1 $4 -inf"),
        ("TDIGEST.QUANTILE t 0 0.1 0.5 1", "*4 $1 1 $1 2 $1 4 $1 5"),
        ("TDIGEST.CREATE u", "+OK"),
        ("TDIGEST.ADD u 10 20 30 40 50 60", "+OK"),
        ("TDIGEST.RANK u 0 10 20 30 40 50 60 70", "*8 :-1 :0 :1 :2 :3 :4 :5 :6"),
        ("TDIGEST.REVRANK u 0 10 20 30 40 50 60 70", "*8 :6 :5 :4 :3 :2 :1 :0 :-1"),
        (
            "TDIGEST.INFO u",
            "*18 +Compression :100 +Capacity :610 +Merged nodes :0 +Unmerged nodes :6 +Merged \
             weight :0 +Unmerged weight :6 +Observations :6 +Total compressions :0 +Memory usage \
             :9840",
        ),
        ("TDIGEST.TRIMMED_MEAN u 0.1 0.6", "$2 25"),
        ("TDIGEST.MERGE v 2 t u", "+OK"),
        ("TDIGEST.MAX v", "$2 60"),
        (
            "TDIGEST.INFO v",
            "*18 +Compression :1000 +Capacity :6010 +Merged nodes :15 +Unmerged \
                            nodes :6 +Merged weight :15 +Unmerged weight :6 +Observations :21 \
                            +Total compressions :1 +Memory usage :96240",
        ),
        ("TDIGEST.MERGE v 1 u COMPRESSION 50 OVERRIDE", "+OK"),
        ("TDIGEST.CDF v 0 30 70", "*3 $1 0 $19 0.41666666666666669 $1 1"),
        ("TDIGEST.RESET v", "+OK"),
        ("TDIGEST.MAX v", "$3 nan"),
        ("TDIGEST.CREATE t", "-ERR T-Digest: key already exists"),
        ("TDIGEST.CREATE x WHAT 5", "-ERR T-Digest: wrong keyword"),
        ("TDIGEST.CREATE x COMPRESSION a", "-ERR T-Digest: error parsing compression parameter"),
        (
            "TDIGEST.CREATE x COMPRESSION 0",
            "-ERR T-Digest: compression parameter needs to be a positive integer",
        ),
        ("TDIGEST.CREATE x COMPRESSION 9000000000000000000", "-ERR T-Digest: allocation failed"),
        ("TDIGEST.ADD none 1", "-ERR T-Digest: key does not exist"),
        ("TDIGEST.ADD t 1 a", "-ERR T-Digest: error parsing val parameter"),
        ("TDIGEST.ADD t inf", "-ERR T-Digest: val parameter needs to be a finite number"),
        ("TDIGEST.QUANTILE t a", "-ERR T-Digest: error parsing quantile"),
        ("TDIGEST.QUANTILE t 1.1", "-ERR T-Digest: quantile should be in [0,1]"),
        ("TDIGEST.CDF t a", "-ERR T-Digest: error parsing cdf"),
        ("TDIGEST.RANK t a", "-ERR T-Digest: error parsing value"),
        ("TDIGEST.BYRANK t 0.5", "-ERR T-Digest: error parsing rank"),
        ("TDIGEST.BYRANK t -1", "-ERR T-Digest: rank needs to be non negative"),
        (
            "TDIGEST.TRIMMED_MEAN t 10 20",
            "-ERR T-Digest: low_cut_percentile and high_cut_percentile should be in [0,1]",
        ),
        (
            "TDIGEST.TRIMMED_MEAN t 0.1 0.1",
            "-ERR T-Digest: low_cut_percentile should be lower than high_cut_percentile",
        ),
        ("TDIGEST.MERGE v 0 t", "-ERR T-Digest: numkeys needs to be a positive integer"),
        ("TDIGEST.MERGE v a t", "-ERR T-Digest: error parsing numkeys"),
        ("TDIGEST.MERGE v 1 none", "-ERR T-Digest: key does not exist"),
        ("TDIGEST.MERGE v 1 t WHAT", "-ERR T-Digest: wrong keyword"),
        ("TDIGEST.MERGE v 2 t", "-ERR wrong number of arguments for 'tdigest.merge' command"),
        ("SET s x", "+OK"),
        ("TDIGEST.ADD s 1", WRONG_TYPE),
    ]);
}
