using System.Globalization;

namespace PipeForkAs.LibC.Tests;

public sealed class UserTests
{
    /// <summary>No kernel and no distribution assigns this uid.</summary>
    private static readonly UserId Nobody = new(4_294_900_001);

    public static TheoryData<string> Users => [.. Entries("passwd").Select(entry => entry[0]).Union(["root", "nobody"])];

    [Theory]
    [MemberData(nameof(Users))]
    public void A_user_is_found_by_name_and_by_uid_as_by_getent(string name)
    {
        string[] expected = Child.Run("getent", "passwd", name).TrimEnd('\n').Split(':');
        var entry = new PasswordEntry(
            expected[0], new UserId(Number(expected[2])), new GroupId(Number(expected[3])), expected[5], expected[6]);

        Assert.Equal(entry, Libc.getpwnam(name));
        Assert.Equal(Entries("passwd").First(line => Number(line[2]) == entry.Uid.Value)[0], Libc.getpwuid(entry.Uid)!.Name);
    }

    [Theory]
    [MemberData(nameof(Users))]
    public void A_user_has_the_groups_that_id_prints(string name)
    {
        PasswordEntry user = Libc.getpwnam(name)!;
        IEnumerable<uint> expected = Child.Run("id", "-G", name).Trim().Split(' ').Select(Number);
        Assert.Equal(expected.Distinct().Order(), Libc.getgrouplist(name, user.Gid).Select(group => group.Value).Distinct().Order());
    }

    [Fact]
    public void A_group_has_the_name_that_getent_prints()
    {
        foreach (string[] entry in Entries("group").DistinctBy(entry => entry[2]))
            Assert.Equal(entry[0], Libc.getgrgid_name(new GroupId(Number(entry[2]))));
    }

    [Fact]
    public void A_group_has_the_gid_that_getent_prints()
    {
        foreach (string[] entry in Entries("group").DistinctBy(entry => entry[0]))
            Assert.Equal(new GroupId(Number(entry[2])), Libc.getgrnam_gid(entry[0]));
        Assert.Null(Libc.getgrnam_gid("no-such-group-here"));
    }

    [Fact]
    public void An_unknown_user_is_null()
    {
        Assert.Null(Libc.getpwnam("no-such-user-here"));
        Assert.Null(Libc.getpwnam(""));
        Assert.Null(Libc.getpwuid(Nobody));
        Assert.Null(Libc.getgrgid_name(new GroupId(Nobody.Value)));
    }

    [Fact]
    public void A_user_without_supplementary_groups_has_only_the_primary_group() =>
        Assert.Equal([new GroupId(4711)], Libc.getgrouplist("no-such-user-here", new GroupId(4711)));

    [Fact]
    public void A_name_with_a_NUL_is_refused_before_C_reads_another_user()
    {
        Assert.Throws<ArgumentException>(() => Libc.getpwnam("root\0x"));
        Assert.Throws<ArgumentException>(() => Libc.getgrouplist("root\0x", new GroupId(0)));
    }

    private static string[][] Entries(string database) =>
        [.. Child.Run("getent", database).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(':'))];

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);
}
