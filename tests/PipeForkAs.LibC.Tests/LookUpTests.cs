namespace PipeForkAs.LibC.Tests;

public sealed unsafe class LookUpTests
{
    private readonly List<int> sizes = [];

    [Fact]
    public void An_entry_is_copied() => Assert.Equal("4711", Find(size => 0));

    [Fact]
    public void Without_an_entry_the_result_is_null() => Assert.Null(Find(size => 0, isThere: false));

    [Fact]
    public void The_buffer_grows_until_an_entry_fits()
    {
        Assert.Equal("4711", Find(size => size < 100_000 ? Errno.ERANGE.Value : 0));
        Assert.Equal([4096, 4 * 4096, 16 * 4096, 64 * 4096], sizes);
    }

    [Fact]
    public void The_buffer_does_not_grow_beyond_its_limit()
    {
        SystemCallException failure = Assert.Throws<SystemCallException>(() => Find(_ => Errno.ERANGE.Value));
        Assert.Equal(Errno.ERANGE, failure.Errno);
        Assert.Contains("getentry_r(\"x\")", failure.Message, StringComparison.Ordinal);
        Assert.Equal(LookUp.MaxBytes, sizes[^1]);
        Assert.Equal(6, sizes.Count);
    }

    [Fact]
    public void A_call_that_a_signal_interrupted_is_repeated_with_the_same_buffer()
    {
        int interruptions = 3;
        Assert.Equal("4711", Find(_ => interruptions-- > 0 ? Errno.EINTR.Value : 0));
        Assert.Equal([4096, 4096, 4096, 4096], sizes);
    }

    [Fact]
    public void The_buffer_contains_nothing_of_an_earlier_entry()
    {
        for (int i = 0; i < 8; i++)
        {
            LookUp.Find<Entry, string>(
                (entry, buffer, size, result) =>
                {
                    var bytes = new Span<byte>(buffer, (int)size);
                    Assert.Equal(-1, bytes.IndexOfAnyExcept((byte)0));
                    bytes.Fill(0xAA);
                    return 0;
                },
                (in Entry _) => "", LookUp.Never, () => "");
        }
    }

    public static TheoryData<int, bool, bool, bool> Errors => new()
    {
        // An error, and whether it means that there is no entry: never, of passwd and group, of shadow.
        { Errno.ENOENT.Value, false, true, true },
        { Errno.ESRCH.Value, false, true, true },
        { Errno.EBADF.Value, false, true, false },
        { Errno.EPERM.Value, false, true, false },
        { Errno.EACCES.Value, false, false, false },
        { Errno.ENOSYS.Value, false, false, false },
        { Errno.ENOMEM.Value, false, false, false },
        { Errno.EMFILE.Value, false, false, false },
    };

    [Theory]
    [MemberData(nameof(Errors))]
    public void Only_the_listed_errors_mean_no_entry(int error, bool strict, bool lenient, bool shadow)
    {
        Assert.Equal(strict, IsAbsent(LookUp.Never));
        Assert.Equal(lenient, IsAbsent(LookUp.NotFound));
        Assert.Equal(shadow, IsAbsent(LookUp.IsNoEntry));

        bool IsAbsent(Func<Errno, bool> meansAbsent)
        {
            try
            {
                Assert.Null(Find(_ => error, isThere: true, meansAbsent));
                return true;
            }
            catch (SystemCallException failure)
            {
                Assert.Equal(error, failure.Errno.Value);
                return false;
            }
        }
    }

    private string? Find(Func<int, int> answer, bool isThere = true, Func<Errno, bool>? meansAbsent = null) => LookUp.Find<Entry, string>(
        (entry, buffer, size, result) =>
        {
            sizes.Add((int)size);
            int error = answer((int)size);
            entry->Number = error == 0 ? 4711 : -1;
            *result = error == 0 && isThere ? entry : null;
            return error;
        },
        (in Entry found) => $"{found.Number}", meansAbsent ?? LookUp.Never, () => "getentry_r(\"x\")");

    private struct Entry
    {
        public int Number;
    }
}
