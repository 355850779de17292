using FsCheck;
using FsCheck.Fluent;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol.Tests.Client;

public sealed class FrameHeaderTests
{
    private static readonly FrameType[] Types = Enum.GetValues<FrameType>();

    [Fact]
    public void A_header_is_eight_bytes_with_the_length_in_big_endian()
    {
        var bytes = new byte[FrameHeader.Size];
        new FrameHeader(FrameType.Stderr, 0x010203).Encode(bytes);
        Assert.Equal([2, 0, 0, 0, 0, 1, 2, 3], bytes);
    }

    [Fact]
    public void Encoding_and_decoding_preserve_the_value()
    {
        Gen<FrameHeader> headers = from type in Gen.Elements(Types)
                                   from length in Gen.Choose(
            0, FrameHeader.MaxLength)
                                   select new FrameHeader(type, length);
        Properties.Holds(headers, header =>
        {
            var bytes = new byte[FrameHeader.Size];
            header.Encode(bytes);
            Assert.Equal(header, FrameHeader.Decode(bytes));
        });
    }

    [Fact]
    public void Any_eight_bytes_are_a_header_that_encodes_to_them_or_are_refused() => Properties.Holds(
        Gen.OneOf(
            Generate.Bytes.Where(bytes => bytes.Length >= 8),
            from type in Gen.Elements<byte>(0, 1, 2, 3, 16)
            from rest in Gen.Choose(0, 2).ArrayOf(
                7)
            select (byte[])[type, .. rest.Select(value => (byte)value)]),
        bytes =>
        {
            var again = new byte[FrameHeader.Size];
            try
            {
                FrameHeader.Decode(bytes).Encode(again);
            }
            catch (FormatException)
            {
                return;
            }

            Assert.Equal(bytes[..FrameHeader.Size], again);
        });

    [Theory]
    [InlineData(0, 0, 0, 0)] // stdin of container engines
    [InlineData(3, 0, 0, 0)]
    [InlineData(255, 0, 0, 0)]
    [InlineData(1, 1, 0, 0)]
    [InlineData(1, 0, 0, 1)]
    public void An_unknown_type_and_bytes_that_are_not_zero_are_refused(byte a, byte b, byte c, byte d) =>
        Assert.Throws<FormatException>(() => FrameHeader.Decode([a, b, c, d, 0, 0, 0, 0]));

    [Theory]
    [InlineData(0x01000001)]
    [InlineData(int.MaxValue)]
    [InlineData(-1)]
    public void A_length_over_the_limit_is_neither_written_nor_read(int length)
    {
        var bytes = new byte[FrameHeader.Size];
        Assert.Throws<InvalidOperationException>(() => new FrameHeader(FrameType.Stdout, length).Encode(bytes));

        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), length);
        bytes[0] = 1;
        Assert.Throws<FormatException>(() => FrameHeader.Decode(bytes));
    }
}
