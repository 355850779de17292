using System.Runtime.CompilerServices;
using Tmds.Linux;

namespace PipeForkAs.LibC;

/// <summary>The three ids of one kind of a process; credentials(7).</summary>
/// <typeparam name="T"><see cref="UserId"/> or <see cref="GroupId"/>.</typeparam>
/// <param name="Real">The real id.</param>
/// <param name="Effective">The effective id.</param>
/// <param name="Saved">The saved id.</param>
public readonly record struct ProcessIds<T>(T Real, T Effective, T Saved)
    where T : struct, IEquatable<T>
{
    /// <summary>Whether all three ids equal this id. Unlike ==, it creates no comparer. A comparer needs a random seed of .NET, and a
    /// worker would then keep a descriptor of /dev/urandom open.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool AllAre(T id) => Real.Equals(id) && Effective.Equals(id) && Saved.Equals(id);
}

public static unsafe partial class Libc
{
    /// <summary>The most supplementary groups that the kernel allows, NGROUPS_MAX.</summary>
    public const int NGROUPS_MAX = 65536;

    /// <summary>geteuid(2).</summary>
    public static UserId geteuid() => new(C.geteuid());

    /// <summary>getegid(2).</summary>
    public static GroupId getegid() => new(C.getegid());

    /// <summary>getresuid(2).</summary>
    public static ProcessIds<UserId> getresuid()
    {
        uid_t real, effective, saved;
        // SAFETY: the kernel writes one id to each address.
        Check.Result(C.getresuid(&real, &effective, &saved), $"getresuid()");
        return new(new UserId(real), new UserId(effective), new UserId(saved));
    }

    /// <summary>getresgid(2).</summary>
    public static ProcessIds<GroupId> getresgid()
    {
        gid_t real, effective, saved;
        // SAFETY: the kernel writes one id to each address.
        Check.Result(C.getresgid(&real, &effective, &saved), $"getresgid()");
        return new(new GroupId(real), new GroupId(effective), new GroupId(saved));
    }

    /// <summary>getgroups(2): the supplementary groups, in the kernel's order (ascending).</summary>
    public static GroupId[] getgroups()
    {
        int count = Check.Result(C.getgroups(0, null), $"getgroups(0)");
        var groups = new GroupId[count];
        // SAFETY: GroupId is one uint, and the call passes the array's length to the kernel.
        fixed (GroupId* start = groups)
            count = Check.Result(C.getgroups(count, (gid_t*)start), $"getgroups({count})");
        return count == groups.Length ? groups : groups[..count];
    }

    /// <summary>setgroups(2): sets the supplementary groups.</summary>
    public static void setgroups(ReadOnlySpan<GroupId> groups)
    {
        // SAFETY: GroupId is one uint, and the call passes the array's length to the kernel.
        fixed (GroupId* start = groups)
            Check.Result(C.setgroups(groups.Length, (gid_t*)start), $"setgroups({groups.Length} groups)");
    }

    /// <summary>setresgid(2). <see cref="GroupId.Unchanged"/> leaves an id as it is.</summary>
    public static void setresgid(GroupId real, GroupId effective, GroupId saved) =>
        Check.Result(C.setresgid(real.Value, effective.Value, saved.Value), $"setresgid({real}, {effective}, {saved})");

    /// <summary>setresuid(2). <see cref="UserId.Unchanged"/> leaves an id as it is.</summary>
    public static void setresuid(UserId real, UserId effective, UserId saved) =>
        Check.Result(C.setresuid(real.Value, effective.Value, saved.Value), $"setresuid({real}, {effective}, {saved})");

    /// <summary>setgroups(2) that the kernel is expected to refuse: returns its errno, without the cost of an exception.</summary>
    public static Errno refused_setgroups(ReadOnlySpan<GroupId> groups)
    {
        // SAFETY: GroupId is one uint, and the call passes the array's length to the kernel.
        fixed (GroupId* start = groups)
            return Refusal(C.setgroups(groups.Length, (gid_t*)start));
    }

    /// <summary>setresgid(2) that the kernel is expected to refuse: returns its errno, or <see cref="Errno.None"/> if it succeeded.
    /// </summary>
    public static Errno refused_setresgid(GroupId real, GroupId effective, GroupId saved) =>
        Refusal(C.setresgid(real.Value, effective.Value, saved.Value));

    /// <summary>setresuid(2) that the kernel is expected to refuse: returns its errno, or <see cref="Errno.None"/> if it succeeded.
    /// </summary>
    public static Errno refused_setresuid(UserId real, UserId effective, UserId saved) =>
        Refusal(C.setresuid(real.Value, effective.Value, saved.Value));

    private static Errno Refusal(int result) => result == -1 ? Check.LastErrno : Errno.None;
}
