//! Asking the processor for memory before it is needed.

/// Starts loading the cache line at `at`, and the next one, into the processor's caches. A hint:
/// any address will do, and processors without such an instruction ignore it.
#[inline]
pub(crate) fn prefetch<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let at = at.cast::<i8>();
        // SAFETY: prefetching reads nothing that the program can see and never faults, whatever
        // the address is.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(at);
            _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(64));
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
