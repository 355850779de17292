using PipeForkAs.StockJobs;

namespace PipeForkAs.Jobs.Tests.Stock;

public sealed class ReadFileRangeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(0, null, "0123456789")]
    [InlineData(3, null, "3456789")]
    [InlineData(3, 4L, "3456")]
    [InlineData(0, 4L, "0123")]
    [InlineData(8, 4L, "89")]
    [InlineData(0, 0L, "")]
    [InlineData(10, null, "")]
    [InlineData(11, 1L, "")]
    [InlineData(long.MaxValue, null, "")]
    [InlineData(long.MaxValue, long.MaxValue, "")]
    [InlineData(long.MaxValue - 1, 2L, "")]
    [InlineData(1, long.MaxValue, "123456789")]
    public void A_range_of_a_file_is_read(long offset, long? length, string expected)
    {
        File.WriteAllText(folder["file"], "0123456789");
        Assert.Equal(expected, Read(new(folder["file"], Offset: offset, Length: length)));
    }

    [Fact]
    public void A_range_may_be_larger_than_a_buffer()
    {
        string content = string.Concat(Enumerable.Range(0, 100_000).Select(i => $"{i:D6}\n"));
        File.WriteAllText(folder["file"], content);
        Assert.Equal(content[12_345..400_000], Read(new(folder["file"], Offset: 12_345, Length: 400_000 - 12_345)));
    }

    [Theory]
    [InlineData(-1, null, "offset")]
    [InlineData(long.MinValue, null, "offset")]
    [InlineData(0, -1L, "length")]
    public void A_negative_range_is_refused(long offset, long? length, string name)
    {
        File.WriteAllText(folder["file"], "0123456789");
        Assert.Contains(
            $"the {name} must be 0 or more",
            Assert.Throws<JobArgumentsException>(() => Read(new(folder["file"], Offset: offset, Length: length))).Message);
    }

    [Fact]
    public void A_file_of_the_kernel_without_a_size_is_read_from_an_offset_too()
    {
        string whole = Read(new("/proc/version"));
        Assert.Equal(whole[6..], Read(new("/proc/version", Offset: 6)));
    }

    private static string Read(ReadFileArguments arguments)
    {
        using var run = new TestRun();
        Assert.Equal(0, ReadFile.Read(arguments, run.Context));
        return run.Output;
    }
}
