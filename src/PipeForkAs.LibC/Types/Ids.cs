using System.Globalization;

namespace PipeForkAs.LibC;

/// <summary>A user id; credentials(7).</summary>
/// <param name="Value">The number.</param>
public readonly record struct UserId(uint Value)
{
    /// <summary>uid 0.</summary>
    public static readonly UserId Root = new(0);

    /// <summary>-1 as the kernel reads it: setresuid(2) does not change the id. Never a user.</summary>
    public static readonly UserId Unchanged = new(uint.MaxValue);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A group id; credentials(7).</summary>
/// <param name="Value">The number.</param>
public readonly record struct GroupId(uint Value)
{
    /// <summary>-1 as the kernel reads it: setresgid(2) does not change the id. Never a group.</summary>
    public static readonly GroupId Unchanged = new(uint.MaxValue);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A process id; credentials(7).</summary>
/// <param name="Value">The number, more than 0 for a process.</param>
public readonly record struct ProcessId(int Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
