using System.Text;
using PipeForkAs.Files.Paths;
using PipeForkAs.Files.Tests.Harness;

namespace PipeForkAs.Files.Tests.Units;

public sealed class PathTests
{
    [Fact]
    public void Any_bytes_survive_a_URL_and_the_arguments_of_a_job()
    {
        byte[] bytes = [.. Enumerable.Range(1, 255).Select(value => (byte)value)];
        Assert.True(BytePath.TryParse(BytePath.Encode(bytes), out BytePath? path));
        Assert.Equal(bytes, path.Bytes);
        Assert.Equal(bytes, Convert.FromBase64String(path.Base64));
        Assert.Matches("^[A-Za-z0-9_-]+$", path.Segment);
    }

    [Theory]
    [InlineData("/home/alice", "/home/alice")]
    [InlineData("/home|alice", "/home/alice")]
    [InlineData("/home/|alice", "/home/alice")]
    [InlineData("/|etc", "/etc")]
    [InlineData("/a|..|b", "/a/../b")]
    public void Segments_are_joined_and_not_resolved(string parts, string expected)
    {
        Assert.True(BytePath.TryParse(string.Join('/', parts.Split('|').Select(Addresses.Encode)), out BytePath? path));
        Assert.Equal(expected, Encoding.UTF8.GetString(path.Bytes));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("not base64")]
    [InlineData("L2hvbWU=%")]
    [InlineData("..")]
    [InlineData("LwBh")]
    public void What_is_not_a_path_is_refused(string segments) => Assert.False(BytePath.TryParse(segments, out _));

    [Fact]
    public void A_path_that_the_kernel_cannot_take_is_refused()
    {
        Assert.True(BytePath.TryOfText(new string('a', 4095), out _));
        Assert.False(BytePath.TryOfText(new string('a', 4096), out _));
        Assert.False(BytePath.TryParse(new string('A', 20_000), out _));
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("...", true)]
    [InlineData("..", false)]
    [InlineData(".", false)]
    [InlineData("", false)]
    [InlineData("a/b", false)]
    [InlineData("a\0", false)]
    public void A_name_is_one_part_of_a_path(string name, bool isName) =>
        Assert.Equal(isName, BytePath.TryParseName(Addresses.Encode(name), out _));

    [Fact]
    public void The_trail_leads_from_the_root_to_the_path()
    {
        Assert.True(BytePath.TryOfText("/home/alice/a", out BytePath? path));
        Assert.Equal(["/", "/home", "/home/alice", "/home/alice/a"], path.Trail.Select(step => step.Text));
        Assert.Equal(["/", "home", "alice", "a"], path.Trail.Select(step => step.NameText));
    }

    [Theory]
    [InlineData("/", "/")]
    [InlineData("//", "/")]
    [InlineData("/a/", "/a")]
    [InlineData("/a//", "/a")]
    [InlineData("a", "a")]
    public void A_path_without_slashes_at_its_end_has_a_name(string path, string expected)
    {
        Assert.True(BytePath.TryOfText(path, out BytePath? made));
        Assert.Equal(expected, made.WithoutSlash().Text);
    }

    [Fact]
    public void The_longest_path_has_a_trail()
    {
        Assert.True(BytePath.TryOfText(string.Concat(Enumerable.Repeat("/a", 2047)), out BytePath? path));
        Assert.Equal(2048, path.Trail.Count());
    }

    [Fact]
    public void A_path_is_shown_as_one_harmless_line()
    {
        Assert.True(BytePath.TryParse(BytePath.Encode([.. "/a\n\u202e"u8, 0xFF]), out BytePath? path));
        Assert.Equal("/a\\n\\u202e\\xff", path.Text);
    }
}
