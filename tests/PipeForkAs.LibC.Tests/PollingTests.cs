namespace PipeForkAs.LibC.Tests;

public sealed class PollingTests
{
    /// <summary>High and low bits are set: a wrong packing would lose some.</summary>
    private const long Data = unchecked((long)0x8123_4567_89AB_CDEF);

    [Fact]
    public void Each_edge_is_reported_once()
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (read)
        using (write)
        using (FileDescriptor epoll = Libc.epoll_create1())
        {
            Assert.True(OpenDescriptors.IsCloseOnExec(epoll.Number));
            Libc.epoll_add(epoll, read, EpollEvents.EPOLLIN | EpollEvents.EPOLLET, Data);
            Assert.Empty(Wait(epoll, 0));

            Libc.write(write, [1]);
            Assert.Equal([new EpollEvent { Events = EpollEvents.EPOLLIN, Data = Data }], Wait(epoll, 1000));
            Assert.Empty(Wait(epoll, 0));

            Libc.write(write, [2]);
            Assert.Equal([new EpollEvent { Events = EpollEvents.EPOLLIN, Data = Data }], Wait(epoll, 1000));
            Assert.Equal(2, Libc.bytes_available(read));
        }
    }

    [Fact]
    public void Each_entry_of_a_poll_has_its_own_events()
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (read)
        {
            PollEntry[] entries = [new(read, PollEvents.POLLIN), new(null, PollEvents.POLLIN), new(write, PollEvents.POLLOUT)];
            Libc.poll(entries, -1);
            Assert.Equal([0, 0, PollEvents.POLLOUT], entries.Select(entry => entry.Returned));

            Libc.write(write, [1]);
            Libc.poll(entries, -1);
            Assert.Equal([PollEvents.POLLIN, 0, PollEvents.POLLOUT], entries.Select(entry => entry.Returned));

            write.Dispose();
            PollEntry[] end = [new(read, PollEvents.POLLIN)];
            Libc.poll(end, -1);
            Assert.Equal(PollEvents.POLLIN | PollEvents.POLLHUP, end[0].Returned);
            Assert.True(end[0].IsReady);
        }

        Libc.poll([], 1);
    }

    [Fact]
    public void Several_descriptors_are_reported_with_their_own_data()
    {
        using FileDescriptor epoll = Libc.epoll_create1();
        using FileDescriptor one = Libc.eventfd(), other = Libc.eventfd();
        Libc.epoll_add(epoll, one, EpollEvents.EPOLLIN | EpollEvents.EPOLLOUT | EpollEvents.EPOLLET, -1);
        Libc.epoll_add(epoll, other, EpollEvents.EPOLLIN | EpollEvents.EPOLLOUT | EpollEvents.EPOLLET, Data);
        Libc.write(other, BitConverter.GetBytes(5L));

        Assert.Equal(
            [(-1L, EpollEvents.EPOLLOUT), (Data, EpollEvents.EPOLLIN | EpollEvents.EPOLLOUT)],
            Wait(epoll, 1000).Select(entry => (entry.Data, entry.Events)).OrderByDescending(entry => entry.Data));
    }

    [Fact]
    public void A_peer_that_hangs_up_is_reported()
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        using (read)
        using (FileDescriptor epoll = Libc.epoll_create1())
        {
            Libc.epoll_add(epoll, read, EpollEvents.EPOLLIN | EpollEvents.EPOLLET, Data);
            write.Dispose();
            Assert.Equal(EpollEvents.EPOLLHUP, Assert.Single(Wait(epoll, 1000)).Events);
        }
    }

    [Fact]
    public void A_deleted_descriptor_is_no_longer_reported()
    {
        using FileDescriptor epoll = Libc.epoll_create1(), descriptor = Libc.eventfd();
        Libc.epoll_add(epoll, descriptor, EpollEvents.EPOLLOUT, 1);
        Assert.Single(Wait(epoll, 0));
        Libc.epoll_delete(epoll, descriptor);
        Assert.Empty(Wait(epoll, 0));
        Assert.Equal(Errno.ENOENT, Assert.Throws<SystemCallException>(() => Libc.epoll_delete(epoll, descriptor)).Errno);
    }

    [Fact]
    public void An_eventfd_counts_and_would_block_at_zero()
    {
        using FileDescriptor counter = Libc.eventfd();
        Assert.True(OpenDescriptors.IsCloseOnExec(counter.Number));
        var buffer = new byte[8];
        Assert.True(Libc.read(counter, buffer).WouldBlock);
        Libc.write(counter, BitConverter.GetBytes(3L));
        Libc.write(counter, BitConverter.GetBytes(4L));
        Assert.Equal(8, Libc.read(counter, buffer).Count);
        Assert.Equal(7, BitConverter.ToInt64(buffer));
        Assert.True(Libc.read(counter, buffer).WouldBlock);
    }

    [Fact]
    public void Poll_reports_which_of_two_descriptors_can_be_read()
    {
        using FileDescriptor one = Libc.eventfd(), other = Libc.eventfd();
        Assert.Equal((false, false), Libc.poll_readable(one, other, 0));
        Libc.write(other, BitConverter.GetBytes(1L));
        Assert.Equal((false, true), Libc.poll_readable(one, other, 0));
        Libc.write(one, BitConverter.GetBytes(1L));
        Assert.Equal((true, true), Libc.poll_readable(one, other, 0));
        Assert.True(Libc.poll_readable(one, 0));
    }

    [Fact]
    public void Poll_refuses_the_same_descriptor_twice()
    {
        using FileDescriptor one = Libc.eventfd();
        Assert.Throws<ArgumentException>(() => Libc.poll_readable(one, one, 0));
        Assert.False(Libc.poll_readable(one, 0));
    }

    private static EpollEvent[] Wait(FileDescriptor epoll, int milliseconds)
    {
        var events = new EpollEvent[8];
        return events[..Libc.epoll_wait(epoll, events, milliseconds)];
    }
}
