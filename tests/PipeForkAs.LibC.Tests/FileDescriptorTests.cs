namespace PipeForkAs.LibC.Tests;

public sealed class FileDescriptorTests
{
    [Fact]
    public void Disposing_twice_does_not_close_a_reused_number()
    {
        FileDescriptor first = Open();
        int number = first.Number;
        first.Dispose();

        // Another file may reuse the number.
        using FileDescriptor source = Open();
        FileDescriptor? next = null;
        if (source.Number != number && !OpenDescriptors.Has(number))
            next = Libc.dup3_cloexec(source, number);
        using (next)
        {
            first.Dispose();
            Assert.True(OpenDescriptors.Has(number));
        }
    }

    [Fact]
    public void A_closed_descriptor_cannot_be_used()
    {
        FileDescriptor descriptor = Open();
        descriptor.Dispose();

        Assert.True(descriptor.IsClosed);
        Assert.Equal("closed", descriptor.ToString());
        Assert.Throws<ObjectDisposedException>(() => descriptor.Number);
        Assert.Throws<ObjectDisposedException>(() => descriptor.Release());
        Assert.Throws<ObjectDisposedException>(() => Libc.read(descriptor, new byte[1]));
    }

    [Fact]
    public void A_released_descriptor_stays_open_for_its_new_owner()
    {
        FileDescriptor former = Open();
        int number = former.Release();
        former.Dispose();
        Assert.True(former.IsClosed);
        Assert.True(OpenDescriptors.Has(number));

        using (var owner = new FileDescriptor(number))
            Assert.Equal(1, Libc.read(owner, new byte[1]).OrThrow("read"));
        Assert.False(OpenDescriptors.Has(number));
    }

    [Fact]
    public void A_negative_number_is_not_a_descriptor() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new FileDescriptor(-1));

    [Fact]
    public void Dup2_creates_a_copy_that_stays_open_over_exec()
    {
        using FileDescriptor source = Open();
        using FileDescriptor copy = Libc.dup2(source, FreeNumber(source));
        Assert.False(OpenDescriptors.IsCloseOnExec(copy.Number));
        Assert.Equal(1, Libc.read(copy, new byte[1]).OrThrow("read"));
    }

    [Fact]
    public void Dup3_cloexec_creates_a_copy_that_exec_closes()
    {
        using FileDescriptor source = Open();
        using FileDescriptor copy = Libc.dup3_cloexec(source, FreeNumber(source));
        Assert.True(OpenDescriptors.IsCloseOnExec(copy.Number));
    }

    [Fact]
    public void A_descriptor_is_not_copied_to_its_own_number()
    {
        using FileDescriptor source = Open();
        Assert.Equal(Errno.EINVAL, Assert.Throws<SystemCallException>(() => Libc.dup2(source, source.Number)).Errno);
        Assert.Equal(Errno.EINVAL, Assert.Throws<SystemCallException>(() => Libc.dup3_cloexec(source, source.Number)).Errno);
    }

    [Fact]
    public void Close_range_closes_from_the_first_to_the_last()
    {
        using FileDescriptor source = Open();
        int first = Libc.dup_from(source, 900).Release();
        int second = Libc.dup_from(source, first + 1).Release();
        using FileDescriptor beyond = Libc.dup_from(source, second + 1);

        Libc.close_range((uint)first, (uint)second);

        Assert.False(OpenDescriptors.Has(first) || OpenDescriptors.Has(second));
        Assert.True(OpenDescriptors.Has(beyond.Number) && OpenDescriptors.Has(source.Number));
    }

    private static FileDescriptor Open() => Libc.open("/dev/zero", OpenFlags.O_RDONLY);

    private static int FreeNumber(FileDescriptor source)
    {
        using FileDescriptor free = Libc.dup_from(source, 800);
        return free.Number;
    }
}
