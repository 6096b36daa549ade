//! A count of the bytes examined or copied while decoding, kept only in this crate's own tests: it
//! shows that a command arriving in many pieces costs linear work without measuring time.

#[cfg(test)]
thread_local! {
    static BYTES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Adds `bytes` to the count. Compiles to nothing outside this crate's tests.
#[inline(always)]
pub(crate) fn add(bytes: usize) {
    #[cfg(test)]
    BYTES.with(|count| count.set(count.get() + bytes as u64));
    #[cfg(not(test))]
    let _ = bytes;
}

/// Returns the count of this thread and sets it to zero.
#[cfg(test)]
pub(crate) fn take() -> u64 {
    BYTES.with(|count| count.replace(0))
}
