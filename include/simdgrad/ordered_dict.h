// A dictionary that keeps the order of insertion, as torch::OrderedDict.
#pragma once

#include <simdgrad/error.h>

#include <initializer_list>
#include <new>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace simdgrad {

// Errors name the kind of key: "Parameter 'w' already defined", "Parameter 'w' is not defined".
template <class Key, class Value>
class OrderedDict {
 public:
  class Item {
   public:
    Item(Key key, Value value) : pair_(std::move(key), std::move(value)) {}
    Value& operator*() { return pair_.second; }
    const Value& operator*() const { return pair_.second; }
    Value* operator->() { return &pair_.second; }
    const Value* operator->() const { return &pair_.second; }
    const Key& key() const noexcept { return pair_.first; }
    Value& value() noexcept { return pair_.second; }
    const Value& value() const noexcept { return pair_.second; }
    const std::pair<Key, Value>& pair() const noexcept { return pair_; }

   private:
    std::pair<Key, Value> pair_;
  };
  using Iterator = typename std::vector<Item>::iterator;
  using ConstIterator = typename std::vector<Item>::const_iterator;

  explicit OrderedDict(std::string key_description = "Key")
      : key_description_(std::move(key_description)) {}
  OrderedDict(std::initializer_list<Item> items) : OrderedDict("Key") {
    for (const Item& item : items) insert(item.key(), item.value());
  }

  const std::string& key_description() const noexcept { return key_description_; }
  // Error when there is none.
  Item& front() { return *not_empty("front")->items_.begin(); }
  const Item& front() const { return *not_empty("front")->items_.begin(); }
  Item& back() { return not_empty("back")->items_.back(); }
  const Item& back() const { return not_empty("back")->items_.back(); }
  // By position; Error beyond the end.
  Item& operator[](size_t index) { return items_[checked(index)]; }
  const Item& operator[](size_t index) const { return items_[checked(index)]; }
  // By key; Error where there is none.
  Value& operator[](const Key& key) { return at(key); }
  const Value& operator[](const Key& key) const { return at(key); }
  // null where there is none.
  Value* find(const Key& key) noexcept {
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &items_[found->second].value();
  }
  const Value* find(const Key& key) const noexcept {
    return const_cast<OrderedDict*>(this)->find(key);
  }
  bool contains(const Key& key) const noexcept { return find(key) != nullptr; }

  Iterator begin() { return items_.begin(); }
  Iterator end() { return items_.end(); }
  ConstIterator begin() const { return items_.begin(); }
  ConstIterator end() const { return items_.end(); }
  size_t size() const noexcept { return items_.size(); }
  bool is_empty() const noexcept { return items_.empty(); }

  // Error when the key is there already.
  Value& insert(Key key, Value value) {
    SIMDGRAD_CHECK(!index_.count(key), key_description_, " '", key, "' already defined");
    // Only the second one may fail, and leaves no trace.
    if (items_.size() == items_.capacity()) items_.reserve(2 * items_.size() + 1);
    index_.emplace(key, items_.size());
    items_.emplace_back(std::move(key), std::move(value));
    return items_.back().value();
  }
  void update(const OrderedDict& other) {
    reserve(size() + other.size());
    for (const Item& item : other) insert(item.key(), item.value());
  }
  void erase(const Key& key) {
    const auto found = index_.find(key);
    SIMDGRAD_CHECK(found != index_.end(), key_description_, " '", key, "' is not defined");
    const size_t position = found->second;
    index_.erase(found);
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(position));
    for (auto& entry : index_)
      if (entry.second > position) --entry.second;
  }
  void clear() {
    index_.clear();
    items_.clear();
  }
  void reserve(size_t capacity) {
    SIMDGRAD_CHECK(capacity <= items_.max_size(), "OrderedDict: no room for ", capacity, " items");
    try {
      items_.reserve(capacity);
    } catch (const std::bad_alloc&) {
      SIMDGRAD_THROW("OrderedDict: no memory for ", capacity, " items");
    }
  }

  const std::vector<Item>& items() const noexcept { return items_; }
  std::vector<Key> keys() const {
    std::vector<Key> keys;
    for (const Item& item : items_) keys.push_back(item.key());
    return keys;
  }
  std::vector<Value> values() const {
    std::vector<Value> values;
    for (const Item& item : items_) values.push_back(item.value());
    return values;
  }
  std::vector<std::pair<Key, Value>> pairs() const {
    std::vector<std::pair<Key, Value>> pairs;
    for (const Item& item : items_) pairs.push_back(item.pair());
    return pairs;
  }

 private:
  const OrderedDict* not_empty(const char* call) const {
    SIMDGRAD_CHECK(!is_empty(), "Called ", call, "() on an empty OrderedDict");
    return this;
  }
  OrderedDict* not_empty(const char* call) {
    return const_cast<OrderedDict*>(std::as_const(*this).not_empty(call));
  }
  size_t checked(size_t index) const {
    SIMDGRAD_CHECK(index < items_.size(), "Index ", index, " is out of bounds");
    return index;
  }
  Value& at(const Key& key) {
    Value* found = find(key);
    SIMDGRAD_CHECK(found, key_description_, " '", key, "' is not defined");
    return *found;
  }
  const Value& at(const Key& key) const { return const_cast<OrderedDict*>(this)->at(key); }

  std::unordered_map<Key, size_t> index_;
  std::vector<Item> items_;
  std::string key_description_;
};

}  // namespace simdgrad
