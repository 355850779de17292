using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

/// <summary>The three ids of one kind that a process has; credentials(7).</summary>
/// <typeparam name="T"><see cref="UserId"/> or <see cref="GroupId"/>.</typeparam>
/// <param name="Real">The real id.</param>
/// <param name="Effective">The effective id.</param>
/// <param name="Saved">The saved id.</param>
public readonly record struct ProcessIds<T>(T Real, T Effective, T Saved)
    where T : struct, IEquatable<T>
{
    /// <summary>
    /// Whether all three are this one. Unlike ==, it makes no comparer, which costs .NET a random seed: a worker would hold a
    /// descriptor of /dev/urandom from then on.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool AllAre(T id) => Real.Equals(id) && Effective.Equals(id) && Saved.Equals(id);
}

public static unsafe partial class Libc
{
    /// <summary>The most supplementary groups that the kernel takes, NGROUPS_MAX.</summary>
    public const int NGROUPS_MAX = 65536;

    /// <summary>geteuid(2).</summary>
    public static UserId geteuid() => new(sys_geteuid());

    /// <summary>getegid(2).</summary>
    public static GroupId getegid() => new(sys_getegid());

    /// <summary>getresuid(2).</summary>
    public static ProcessIds<UserId> getresuid()
    {
        uint real, effective, saved;
        // SAFETY: the kernel writes one uint to each address.
        Check.Result(sys_getresuid(&real, &effective, &saved), $"getresuid()");
        return new(new UserId(real), new UserId(effective), new UserId(saved));
    }

    /// <summary>getresgid(2).</summary>
    public static ProcessIds<GroupId> getresgid()
    {
        uint real, effective, saved;
        // SAFETY: the kernel writes one uint to each address.
        Check.Result(sys_getresgid(&real, &effective, &saved), $"getresgid()");
        return new(new GroupId(real), new GroupId(effective), new GroupId(saved));
    }

    /// <summary>getgroups(2): the supplementary groups, in the kernel's order (ascending).</summary>
    public static GroupId[] getgroups()
    {
        int count = Check.Result(sys_getgroups(0, null), $"getgroups(0)");
        var groups = new GroupId[count];
        // SAFETY: GroupId is one uint, and the kernel is told how many there is room for.
        fixed (GroupId* start = groups)
            count = Check.Result(sys_getgroups(count, (uint*)start), $"getgroups({count})");
        return count == groups.Length ? groups : groups[..count];
    }

    /// <summary>setgroups(2): sets the supplementary groups.</summary>
    public static void setgroups(ReadOnlySpan<GroupId> groups)
    {
        // SAFETY: GroupId is one uint, and the kernel is told how many there are.
        fixed (GroupId* start = groups)
            Check.Result(sys_setgroups((nuint)groups.Length, (uint*)start), $"setgroups({groups.Length} groups)");
    }

    /// <summary>setresgid(2). <see cref="GroupId.Unchanged"/> leaves an id as it is.</summary>
    public static void setresgid(GroupId real, GroupId effective, GroupId saved) =>
        Check.Result(sys_setresgid(real.Value, effective.Value, saved.Value), $"setresgid({real}, {effective}, {saved})");

    /// <summary>setresuid(2). <see cref="UserId.Unchanged"/> leaves an id as it is.</summary>
    public static void setresuid(UserId real, UserId effective, UserId saved) =>
        Check.Result(sys_setresuid(real.Value, effective.Value, saved.Value), $"setresuid({real}, {effective}, {saved})");

    /// <summary>setgroups(2) that is meant to be refused: returns why it was, without the cost of an exception.</summary>
    public static Errno refused_setgroups(ReadOnlySpan<GroupId> groups)
    {
        // SAFETY: GroupId is one uint, and the kernel is told how many there are.
        fixed (GroupId* start = groups)
            return Refusal(sys_setgroups((nuint)groups.Length, (uint*)start));
    }

    /// <summary>setresgid(2) that is meant to be refused: returns why it was, <see cref="Errno.None"/> where it was not.</summary>
    public static Errno refused_setresgid(GroupId real, GroupId effective, GroupId saved) =>
        Refusal(sys_setresgid(real.Value, effective.Value, saved.Value));

    /// <summary>setresuid(2) that is meant to be refused: returns why it was, <see cref="Errno.None"/> where it was not.</summary>
    public static Errno refused_setresuid(UserId real, UserId effective, UserId saved) =>
        Refusal(sys_setresuid(real.Value, effective.Value, saved.Value));

    private static Errno Refusal(int result) => result == -1 ? Check.LastErrno : Errno.None;

    [LibraryImport(Library, EntryPoint = "geteuid")]
    private static partial uint sys_geteuid();

    [LibraryImport(Library, EntryPoint = "getegid")]
    private static partial uint sys_getegid();

    [LibraryImport(Library, EntryPoint = "getresuid", SetLastError = true)]
    private static partial int sys_getresuid(uint* real, uint* effective, uint* saved);

    [LibraryImport(Library, EntryPoint = "getresgid", SetLastError = true)]
    private static partial int sys_getresgid(uint* real, uint* effective, uint* saved);

    [LibraryImport(Library, EntryPoint = "getgroups", SetLastError = true)]
    private static partial int sys_getgroups(int size, uint* list);

    [LibraryImport(Library, EntryPoint = "setgroups", SetLastError = true)]
    private static partial int sys_setgroups(nuint size, uint* list);

    [LibraryImport(Library, EntryPoint = "setresgid", SetLastError = true)]
    private static partial int sys_setresgid(uint real, uint effective, uint saved);

    [LibraryImport(Library, EntryPoint = "setresuid", SetLastError = true)]
    private static partial int sys_setresuid(uint real, uint effective, uint saved);
}
