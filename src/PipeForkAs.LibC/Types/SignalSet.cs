using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

/// <summary>A set of signals with the size of libc's sigset_t; sigsetops(3).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SignalSet : IEquatable<SignalSet>
{
    private ulong bits;
    private unsafe fixed ulong rest[15];

    /// <summary>No signal.</summary>
    public static SignalSet Empty => default;

    /// <summary>Every signal that libc lets a program block: all except 32 and 33, which its threads use internally.</summary>
    public static SignalSet Full => new() { bits = ~(1UL << 31 | 1UL << 32) };

    /// <summary>Every signal, including 32 and 33: posix_spawn(3) starts a program with these two ignored unless the caller resets them as
    /// well (glibc, sysdeps/unix/sysv/linux/spawni.c).
    /// </summary>
    internal static SignalSet WithLibcsOwn => new() { bits = ulong.MaxValue };

    /// <summary>Creates a set of these signals.</summary>
    public static SignalSet Of(params ReadOnlySpan<Signal> signals)
    {
        SignalSet set = default;
        foreach (Signal signal in signals)
            set.bits |= Bit(signal);
        return set;
    }

    /// <summary>Whether the signal is in the set.</summary>
    public readonly bool Contains(Signal signal) => (bits & Bit(signal)) != 0;

    private static ulong Bit(Signal signal)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(signal.Number, 1, nameof(signal));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(signal.Number, Signal.Max, nameof(signal));
        return 1UL << (signal.Number - 1);
    }

    /// <inheritdoc/>
    public readonly bool Equals(SignalSet other) => bits == other.bits;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is SignalSet other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => bits.GetHashCode();

    /// <summary>Whether both contain the same signals.</summary>
    public static bool operator ==(SignalSet left, SignalSet right) => left.Equals(right);

    /// <summary>Whether they differ.</summary>
    public static bool operator !=(SignalSet left, SignalSet right) => !left.Equals(right);

    /// <inheritdoc/>
    public override readonly string ToString() => $"0x{bits:x}";
}
