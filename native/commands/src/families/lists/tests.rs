use super::*;

#[test]
fn positions() {
    for (index, len, expected) in [
        (0, 3, Some(0)),
        (2, 3, Some(2)),
        (3, 3, None),
        (-1, 3, Some(2)),
        (-3, 3, Some(0)),
        (-4, 3, None),
        (0, 0, None),
        (-1, 0, None),
        (i64::MIN, 3, None),
        (i64::MAX, 3, None),
    ] {
        assert_eq!(position(index, len), expected, "{index} of {len}");
    }
}

#[test]
fn extents() {
    for (start, stop, len, expected) in [
        (0, -1, 5, (0, 5)),
        (1, 3, 5, (1, 3)),
        (-2, -1, 5, (3, 2)),
        (-100, 100, 5, (0, 5)),
        (3, 1, 5, (0, 0)),
        (5, 9, 5, (0, 0)),
        (0, -6, 5, (0, 0)),
        (0, -5, 5, (0, 1)),
        (i64::MIN, i64::MAX, 5, (0, 5)),
        (i64::MAX, i64::MIN, 5, (0, 0)),
        (0, 0, 0, (0, 0)),
        (i64::MAX, i64::MAX, usize::MAX, (i64::MAX as usize, 1)),
    ] {
        assert_eq!(extent(start, stop, len), expected, "{start} to {stop} of {len}");
    }
}
