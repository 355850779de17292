using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace PipeForkAs.Files.Html;

/// <summary>Writes HTML. What a program inserts into an interpolated string is text, and is encoded; only literals are markup.</summary>
internal sealed class HtmlWriter
{
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);
    private readonly StringBuilder page = new(32 * 1024);

    /// <summary>Adds markup with texts in it.</summary>
    public HtmlWriter Add([InterpolatedStringHandlerArgument("")] ref Markup markup)
    {
        // The handler has written into this page.
        _ = markup;
        return this;
    }

    /// <summary>Adds markup without texts in it.</summary>
    public HtmlWriter Add(string literal)
    {
        page.Append(literal);
        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => page.ToString();

    /// <summary>Receives the parts of an interpolated string.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct Markup
    {
        private readonly StringBuilder page;

        /// <summary>Begins a string; the compiler calls this.</summary>
        public Markup(int literalLength, int formattedCount, HtmlWriter writer)
        {
            _ = (literalLength, formattedCount);
            page = writer.page;
        }

        /// <summary>Adds markup.</summary>
        public void AppendLiteral(string markup) => page.Append(markup);

        /// <summary>Adds a text. Markup quotes all attributes with texts: without quotes, a space would end the value.</summary>
        public void AppendFormatted(string? text) => page.Append(Encoder.Encode(text ?? ""));

        /// <summary>Adds a number.</summary>
        public void AppendFormatted(long number) => page.Append(CultureInfo.InvariantCulture, $"{number}");

        /// <summary>Adds a number with groups of three digits.</summary>
        public void AppendFormatted(long number, string format) => page.Append(number.ToString(format, CultureInfo.InvariantCulture));
    }
}
