# frozen_string_literal: true

module Hubrelay
  # Redis's glob patterns, for the fake relay: `*`, `?`, `[abc]`, `[^a]`, `[a-z]`, and a backslash before any of them.
  # @api private
  module Glob
    module_function

    # Whether a message on this channel matches this pattern. It compares bytes, not characters, as Redis does.
    def match?(pattern, channel)
      /\A#{expression(pattern.b)}\z/mn.match?(channel.b)
    end

    def expression(pattern)
      pattern.scan(/\\.|\[(?:\\.|[^\]])*\]?|./mn).map do |part|
        case part
        when "*" then ".*"
        when "?" then "."
        when /\A\[/ then set(part[1..].delete_suffix("]"))
        else Regexp.escape(part.size == 2 ? part[1] : part)
        end
      end.join
    end
    private_class_method :expression

    # The members of a set, without its brackets.
    def set(content)
      negated = content.start_with?("^")
      content = content[1..] if negated
      members = content.scan(/\\.-.|\\.|.-.|./mn).map { |part| member(part) }.join
      return negated ? "." : "(?!)" if members.empty?

      "[#{'^' if negated}#{members}]"
    end
    private_class_method :set

    # A character, or a range.
    def member(part)
      part = part[1..] if part.start_with?("\\") && part.size > 1
      return Regexp.escape(part) unless part.size == 3

      first, last = [part[0], part[2]].minmax
      "#{Regexp.escape(first)}-#{Regexp.escape(last)}"
    end
    private_class_method :member
  end
  private_constant :Glob
end
